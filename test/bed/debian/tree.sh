#!/bin/sh
# Makes the file system of the data plane's image out of Debian 13: PostgreSQL 17 with pgBackRest and the locale that Multigres
# asks for, and the metrics exporter. Needs root and, unpacked in HOST, mmdebstrap. Usage: HOST=folder tree.sh OUT
set -eu

out=$1
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
[ -e $keyring ] || { echo "cannot verify Debian packages: no $keyring" >&2; exit 1; }
mirror=${DEBIAN_MIRROR:-http://deb.debian.org}

PATH="$HOST/usr/bin:$PATH" SOURCE_DATE_EPOCH=0 mmdebstrap --quiet --variant=minbase --mode=root --format=tar --components=main \
	--include=postgresql-17,pgbackrest,ca-certificates,procps,locales,prometheus-postgres-exporter \
	--aptopt='Apt::Install-Recommends "false"' \
	--dpkgopt=force-unsafe-io --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
	--keyring="$keyring" \
	--customize-hook='chroot "$1" localedef -i en_US -f UTF-8 en_US.UTF-8' \
	`# The published images run PostgreSQL as 999 and the rest as 65532; initdb asks for the name of its user.` \
	--customize-hook='chroot "$1" groupmod -g 999 postgres && chroot "$1" usermod -u 999 postgres' \
	--customize-hook='chroot "$1" groupadd -g 65532 nonroot && chroot "$1" useradd -u 65532 -g 65532 -M nonroot' \
	`# Compiled queries are worth 150 MB only where queries are heavy. Without the library PostgreSQL does without.` \
	--customize-hook='rm -rf "$1"/usr/lib/x86_64-linux-gnu/libLLVM* "$1"/usr/lib/x86_64-linux-gnu/libz3.so* "$1"/usr/lib/postgresql/17/lib/bitcode "$1"/usr/lib/postgresql/17/lib/llvmjit*' \
	--customize-hook='rm -rf "$1"/var/lib/postgresql/17 "$1"/etc/postgresql/17 "$1"/usr/share/i18n "$1"/var/cache/* "$1"/var/log/*' \
	trixie "$out.tmp" "deb $mirror/debian trixie main" "deb $mirror/debian trixie-updates main" "deb $mirror/debian-security trixie-security main"
mv "$out.tmp" "$out"
