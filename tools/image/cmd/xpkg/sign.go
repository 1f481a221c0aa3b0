package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// signatureFile is beside the sums: base64 of an ASN.1 ECDSA signature over their SHA-256, which `cosign verify-blob` and
// `openssl dgst -verify` accept.
const signatureFile = sumsFile + ".sig"

var (
	// errKey means that a file holds no key of the wanted kind.
	errKey = errors.New("want a PEM file with an ECDSA P-256 key that is not encrypted")
	// errSignature means that the sums were not signed with the key.
	errSignature = errors.New("the signature is not that of the key")
)

type signCmd struct {
	Dir string `help:"Folder of a build." required:"" type:"existingdir"`
	Key string `help:"PEM file of the private key." required:"" type:"existingfile"`
}

// Run signs the sums of files that are as they were built.
func (c *signCmd) Run(out io.Writer) error {
	if err := checkSums(c.Dir); err != nil {
		return err
	}
	key, err := privateKey(c.Key)
	if err != nil {
		return fmt.Errorf("cannot read --key %q: %w", c.Key, err)
	}
	b, err := os.ReadFile(filepath.Join(c.Dir, sumsFile))
	if err != nil {
		return fmt.Errorf("cannot read sums: %w", err)
	}
	h := sha256.Sum256(b)
	sig, err := ecdsa.SignASN1(rand.Reader, key, h[:])
	if err != nil {
		return fmt.Errorf("cannot sign sums: %w", err)
	}
	if err := os.WriteFile(filepath.Join(c.Dir, signatureFile), []byte(base64.StdEncoding.EncodeToString(sig)+"\n"), 0o644); err != nil {
		return fmt.Errorf("cannot write signature: %w", err)
	}
	fmt.Fprintln(out, "signed", filepath.Join(c.Dir, sumsFile))
	return nil
}

type verifyCmd struct {
	Dir string `help:"Folder of a build." required:"" type:"existingdir"`
	Key string `help:"PEM file of the public key. Without it only the sums are checked." type:"existingfile"`
}

// Run checks the signature, then the files.
func (c *verifyCmd) Run(out io.Writer) error {
	if c.Key != "" {
		if err := c.signature(); err != nil {
			return err
		}
		fmt.Fprintln(out, "signature: good")
	}
	if err := checkSums(c.Dir); err != nil {
		return err
	}
	fmt.Fprintln(out, "sums: good")
	return nil
}

func (c *verifyCmd) signature() error {
	key, err := publicKey(c.Key)
	if err != nil {
		return fmt.Errorf("cannot read --key %q: %w", c.Key, err)
	}
	b, err := os.ReadFile(filepath.Join(c.Dir, sumsFile))
	if err != nil {
		return fmt.Errorf("cannot read sums: %w", err)
	}
	s, err := os.ReadFile(filepath.Join(c.Dir, signatureFile))
	if err != nil {
		return fmt.Errorf("cannot read signature: %w", err)
	}
	sig, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(s)))
	if err != nil {
		return fmt.Errorf("cannot decode signature: %w", errors.Join(errSignature, err))
	}
	h := sha256.Sum256(b)
	if !ecdsa.VerifyASN1(key, h[:], sig) {
		return fmt.Errorf("cannot verify %s: %w", sumsFile, errSignature)
	}
	return nil
}

// privateKey reads PKCS #8, as `cosign` and recent `openssl` write it, or SEC 1.
func privateKey(file string) (*ecdsa.PrivateKey, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	for {
		var p *pem.Block
		if p, b = pem.Decode(b); p == nil {
			return nil, errKey
		}
		if k, err := x509.ParseECPrivateKey(p.Bytes); err == nil && k.Curve == elliptic.P256() {
			return k, nil
		}
		k, err := x509.ParsePKCS8PrivateKey(p.Bytes)
		if err != nil {
			// openssl writes the curve's parameters before the key.
			continue
		}
		if k, ok := k.(*ecdsa.PrivateKey); ok && k.Curve == elliptic.P256() {
			return k, nil
		}
		return nil, errKey
	}
}

func publicKey(file string) (*ecdsa.PublicKey, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	p, _ := pem.Decode(b)
	if p == nil {
		return nil, errKey
	}
	k, err := x509.ParsePKIXPublicKey(p.Bytes)
	if err != nil {
		return nil, errors.Join(errKey, err)
	}
	if k, ok := k.(*ecdsa.PublicKey); ok && k.Curve == elliptic.P256() {
		return k, nil
	}
	return nil, errKey
}
