package resolve

// Reasons of warnings.
const (
	// ReasonFragileDurability means that a shard stops accepting writes when it loses one pooler or one cell.
	ReasonFragileDurability = "FragileDurability"

	// ReasonSingleEtcdMember means that a topology server is lost with its only member.
	ReasonSingleEtcdMember = "SingleEtcdMember"

	// ReasonNotExposed means that something is to be exposed but has no address outside the Kubernetes cluster.
	ReasonNotExposed = "NotExposed"

	// ReasonPoolAdded means that overrides name a pool that the template does not have, and so add it.
	ReasonPoolAdded = "PoolAdded"

	// ReasonImagesRecordInvalid means that the record of the images that applied so far could not be read.
	ReasonImagesRecordInvalid = "ImagesRecordInvalid"

	// ReasonImagesRevisionMismatch means that the acknowledged revision is not the available one.
	ReasonImagesRevisionMismatch = "ImagesRevisionMismatch"

	// ReasonImagesAcknowledgementIgnored means that a revision is acknowledged although images change without that.
	ReasonImagesAcknowledgementIgnored = "ImagesAcknowledgementIgnored"
)
