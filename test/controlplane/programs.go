package controlplane

import (
	"os"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
)

// Environment variables that hold the paths of the programs. `make integration`
// exports all of them.
const (
	// EnvEtcd is the path of etcd.
	EnvEtcd = "ETCD_BIN"

	// EnvAPIServer is the path of kube-apiserver.
	EnvAPIServer = "KUBE_APISERVER_BIN"

	// EnvControllerManager is the path of kube-controller-manager.
	EnvControllerManager = "KUBE_CONTROLLER_MANAGER_BIN"

	// EnvScheduler is the path of kube-scheduler.
	EnvScheduler = "KUBE_SCHEDULER_BIN"
)

// ErrNotBuilt means that a program's path is not in the environment: a test that
// cannot run must fail.
var ErrNotBuilt = errors.New("environment variable is not set, run `make integration`")

// program returns the path that an environment variable holds.
func program(env string) (string, error) {
	if v := os.Getenv(env); v != "" {
		return v, nil
	}

	return "", errors.Wrap(ErrNotBuilt, env)
}
