package cluster

import (
	"fmt"
	"maps"
	"slices"

	"github.com/crossplane-multigres/crossplane-multigres/internal/compose"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
	"github.com/crossplane-multigres/crossplane-multigres/internal/object"
)

// leavingCells returns the names of the cells that are there in some form and not wanted, sorted.
func (a *assembly) leavingCells() []string {
	names := map[string]bool{}
	for _, o := range a.existing(kindCell, requireCells) {
		names[o.String("spec", "name")] = true
	}
	for _, o := range a.existing(kindCellRecord, requireCellRecords) {
		names[recordedCell(o)] = true
	}
	delete(names, "")
	for i := range a.c.Cells {
		delete(names, a.c.Cells[i].Name)
	}
	return slices.Sorted(maps.Keys(names))
}

// retireCells takes cells out of service, in this order: no pooler and no orchestrator runs or is registered there; no
// database lists the cell; its gateways have stopped; its record is gone; then the cell goes, and with it a topology server
// of its own.
func (a *assembly) retireCells() ([]compose.Removal, error) {
	var out []compose.Removal
	for _, name := range a.leavingCells() {
		r, err := a.retireCell(name)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	for _, key := range slices.Concat(a.leftover(kindCell), a.leftover(kindCellRecord)) {
		o := a.s.Observed(key)
		if key == naming.KeyCell(o.String("spec", "name")) || key == naming.KeyCellRecord(recordedCell(o)) {
			continue
		}
		out = append(out, compose.Removal{Name: o.Describe(), Reason: compose.WaitInUse, Message: "is kept: it does not tell which cell it belongs to"})
		if err := a.s.Keep(key); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (a *assembly) retireCell(name string) (compose.Removal, error) {
	key, record := naming.KeyCell(name), naming.KeyCellRecord(name)
	c := a.s.Observed(key)
	if why := a.cellUse(name); why != "" {
		return compose.Removal{Name: cellTitle(name), Reason: compose.WaitInUse, Message: why}, a.keepCell(name, false)
	}
	if why := a.cellListed(name); why != "" {
		return compose.Removal{Name: cellTitle(name), Reason: compose.WaitInUse, Message: why}, a.keepCell(name, false)
	}
	if c.Exists() && !c.Deleting() && !compose.HasDrained(c) {
		return compose.DrainRemoval(cellTitle(name), c), a.keepCell(name, true)
	}

	// From here on the record goes: it is not kept any more.
	if o, there := a.find(record, requireCellRecords, func(o object.Object) bool { return recordedCell(o) == name }); there {
		r := deleting(cellTitle(name), o)
		r.Message = fmt.Sprintf("its record %s", r.Message)
		return r, a.keepAfterRecord(name)
	}
	if c.Exists() && !c.Deleting() {
		by, protected := a.protector(topoServerKind, naming.LocalTopoServer(a.c.Name, name))
		if !protected {
			by, protected = a.protector(cellKind, c.Name())
		}
		if protected {
			r := compose.Removal{Name: cellTitle(name), Reason: compose.WaitProtected, Message: "is protected from deletion by Usage " + by}
			return r, a.s.Drain(key)
		}
	}
	return deleting(cellTitle(name), c), nil
}

// keepCell keeps everything of a cell, and asks it to drain or not.
func (a *assembly) keepCell(name string, drain bool) error {
	if err := a.s.Keep(naming.KeyCellRecord(name)); err != nil {
		return err
	}
	for _, key := range []string{keyGlobalTopoUsage(name), keyLocalTopoUsage(name)} {
		if err := a.s.Keep(key); err != nil {
			return err
		}
	}
	if drain {
		return a.s.Drain(naming.KeyCell(name))
	}
	return a.s.Keep(naming.KeyCell(name))
}

// keepAfterRecord keeps what has to outlive the record of a cell: the cell, its gateways stopped, and what protects topology
// servers.
func (a *assembly) keepAfterRecord(name string) error {
	for _, key := range []string{keyGlobalTopoUsage(name), keyLocalTopoUsage(name)} {
		if err := a.s.Keep(key); err != nil {
			return err
		}
	}
	return a.s.Drain(naming.KeyCell(name))
}

// cellUse says what still uses a cell, and nothing if nothing does.
func (a *assembly) cellUse(name string) string {
	for _, o := range a.tableGroups() {
		title := tableGroupName(o)
		switch {
		case placedIn(o, name):
			return title + " is to leave it"
		case slices.Contains(o.Strings("status", "cellsInUse"), name):
			return "poolers or orchestrators of " + title + " are in it"
		case !o.Deleting() && !compose.Current(o):
			return title + " has not answered yet"
		}
	}
	return ""
}

// placedIn is true if the specification of a table group places anything in a cell.
func placedIn(tableGroup object.Object, cell string) bool {
	for _, sh := range tableGroup.List("spec", "shards") {
		if slices.Contains(sh.Strings("multiorch", "cells"), cell) {
			return true
		}
		for pool := range sh.At("pools").Struct().GetFields() {
			if slices.Contains(sh.Strings("pools", pool, "cells"), cell) {
				return true
			}
		}
	}
	return false
}

// cellListed says which database's record lists a cell, and nothing if none does.
func (a *assembly) cellListed(name string) string {
	for _, o := range a.existing(kindDatabaseRecord, requireDatabaseRecords) {
		listed := slices.Contains(o.Strings("status", "atProvider", "cells"), name)
		if !listed && !slices.Contains(o.Strings("spec", "forProvider", "cells"), name) {
			continue
		}
		why := "the record of database " + recordedDatabase(o) + " lists it"
		if t := trouble(o); t != "" {
			why += ": " + t
		}
		return why
	}
	return ""
}

// find returns the object that is observed under a key, or else the first answer to a requirement that matches.
func (a *assembly) find(key, requirement string, match func(object.Object) bool) (object.Object, bool) {
	if o := a.s.Observed(key); o.Exists() {
		return o, true
	}
	for _, o := range a.in.Required[requirement] {
		if match(o) {
			return o, true
		}
	}
	return object.Object{}, false
}
