package topo

import (
	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"google.golang.org/protobuf/proto"
)

// decode reads a message. Fields that this version of Multigres does not know
// stay in it and are written back.
func decode[M proto.Message](raw []byte) (M, error) {
	var typed M

	m, ok := typed.ProtoReflect().New().Interface().(M)
	if !ok {
		return typed, invalid(errors.Errorf("%T is no message type", typed))
	}

	if err := proto.Unmarshal(raw, m); err != nil {
		return typed, invalid(errors.Wrap(err, "cannot decode message"))
	}

	return m, nil
}

// encode writes a message. Equal messages give equal bytes.
func encode(m proto.Message) ([]byte, error) {
	raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		return nil, invalid(errors.Wrap(err, "cannot encode message"))
	}

	return raw, nil
}

// edit decodes raw, applies change and encodes the result. It reports false if
// the change made no difference. It compares messages and not bytes, because
// others may encode the same message differently.
func edit[M proto.Message](raw []byte, change func(M) error) ([]byte, bool, error) {
	before, err := decode[M](raw)
	if err != nil {
		return nil, false, err
	}

	after := proto.CloneOf(before)

	if err := change(after); err != nil {
		return nil, false, errors.Wrap(err, "cannot change message")
	}

	if proto.Equal(before, after) {
		return raw, false, nil
	}

	out, err := encode(after)

	return out, true, err
}
