package resolve

import (
	"time"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
)

// The gateway's own limits, for what a spec leaves out: its flags --buffer-window and --buffer-max-failover-duration.
const (
	gatewayWindow              = 10 * time.Second
	gatewayMaxFailoverDuration = 20 * time.Second
)

// validateBuffer returns what is wrong with how a gateway buffers queries. A gateway that does not buffer ignores the rest.
func validateBuffer(b v1alpha1.GatewayBufferSpec, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	parse := func(d v1alpha1.Duration, name string, otherwise time.Duration) time.Duration {
		if d == "" {
			return otherwise
		}
		parsed, err := time.ParseDuration(string(d))
		if err != nil {
			errs = append(errs, field.Invalid(path.Child(name), d, "must be a duration such as 10s"))
			return otherwise
		}
		return parsed
	}
	window := parse(b.Window, "window", gatewayWindow)
	maxFailover := parse(b.MaxFailoverDuration, "maxFailoverDuration", gatewayMaxFailoverDuration)
	minTime := parse(b.MinTimeBetweenFailovers, "minTimeBetweenFailovers", 0)
	if len(errs) > 0 || !b.IsEnabled() {
		return errs
	}

	if window <= 0 {
		errs = append(errs, field.Invalid(path.Child("window"), b.Window, "must be greater than zero"))
	}
	if maxFailover <= 0 {
		errs = append(errs, field.Invalid(path.Child("maxFailoverDuration"), b.MaxFailoverDuration, "must be greater than zero"))
	}
	if minTime < 0 {
		errs = append(errs, field.Invalid(path.Child("minTimeBetweenFailovers"), b.MinTimeBetweenFailovers, "must not be negative"))
	}
	if window > maxFailover {
		errs = append(errs, field.Invalid(path.Child("window"), window.String(), "must not be longer than maxFailoverDuration, which is "+maxFailover.String()))
	}
	return errs
}
