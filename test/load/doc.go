// Package load is a client of a database that is watched while it suffers: it writes numbered rows all the time, notes every row that was
// acknowledged, and reads all of them back. So it knows for how long nobody could write, and whether anything was lost.
//
// It does what applications do and no more: one connection of an ordinary driver, statements that it waits for only so long, and a new connection
// after each error. A row whose fate is unknown (the statement failed, or was given up) is never written again and may be there or not.
package load
