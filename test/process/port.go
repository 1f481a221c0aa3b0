package process

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
)

// Ports are below those that the kernel gives to clients (32768 and up, ip(7)).
// Else a client that dials a server while that restarts may get the server's
// own port, connect to itself, and keep it from the server.
const (
	lowestPort  = 12000
	highestPort = 31999

	portTries = 1000
)

// ErrNoPort means that no port was found.
var ErrNoPort = errors.New("cannot find a free port")

// reserved holds the open files of all ports that this process has, so that
// they stay locked for as long as it lives.
var reserved struct {
	sync.Mutex

	files []*os.File
}

// FreePort returns a TCP port on which nobody listens. No other process that
// asks here gets it as long as this one lives, so that a server can be started
// again on it.
func FreePort() (int, error) {
	for range portTries {
		port := lowestPort + rand.IntN(highestPort-lowestPort+1)
		if err := ReservePort(port); err == nil {
			return port, nil
		}
	}

	return 0, ErrNoPort
}

// FreeAddress returns a loopback address, host:port, with a port of FreePort.
func FreeAddress() (string, error) {
	port, err := FreePort()

	return fmt.Sprintf("127.0.0.1:%d", port), err
}

// ReservePort reserves a certain port as FreePort does. The error wraps
// ErrNoPort if somebody else has it.
func ReservePort(port int) error {
	dir := filepath.Join(os.TempDir(), "crossplane-multigres-ports")
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return errors.Wrap(err, "cannot make folder for reserved ports")
	}

	f, err := os.OpenFile(filepath.Join(dir, strconv.Itoa(port)), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return errors.Wrapf(err, "cannot open file of port %d", port)
	}

	if err := free(f, port); err != nil {
		_ = f.Close()
		return err
	}

	reserved.Lock()
	defer reserved.Unlock()
	reserved.files = append(reserved.files, f)

	return nil
}

// free returns an error if another process has reserved the port or listens on it.
func free(f *os.File, port int) error {
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return errors.Wrapf(ErrNoPort, "port %d is reserved", port)
	}

	// On all addresses: some programs cannot be told to listen on loopback only.
	//nolint:noctx // It closes at once.
	l, err := net.Listen("tcp", fmt.Sprintf(":%d", port))
	if err != nil {
		return errors.Wrapf(ErrNoPort, "port %d is in use", port)
	}

	return errors.Wrap(l.Close(), "cannot free port")
}
