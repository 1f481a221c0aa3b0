// Package topology runs the controllers of managed resources whose external resource is in a topology: records in etcd. It
// resolves their ProviderConfigs to stores, which they share, wakes them when somebody else changes what they stand for, and says
// on whose behalf they write. A kind brings its external client, and which paths wake it.
package topology
