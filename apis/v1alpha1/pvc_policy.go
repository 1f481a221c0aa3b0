package v1alpha1

// MergePVCDeletionPolicy returns what applies to an owner with the policy child
// below one with the policy parent: each field of the child that is set, else
// that of the parent. It returns the parent itself if there is no child, and nil
// if neither sets anything. It changes neither.
func MergePVCDeletionPolicy(child, parent *PVCDeletionPolicy) *PVCDeletionPolicy {
	if child == nil {
		return parent
	}
	merged := *child
	if parent != nil && merged.WhenDeleted == "" {
		merged.WhenDeleted = parent.WhenDeleted
	}
	if parent != nil && merged.WhenScaled == "" {
		merged.WhenScaled = parent.WhenScaled
	}
	if merged == (PVCDeletionPolicy{}) {
		return nil
	}
	return &merged
}
