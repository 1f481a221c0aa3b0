#!/bin/sh
# Unpacks, and does not install, what a bed needs of Debian on the machine: nft for kube-proxy, mmdebstrap for the image, and the
# library that runc is linked with. Usage: host.sh OUT
set -eu

out=$1
rm -rf "$out.tmp" "$out"
mkdir -p "$out.tmp/deb"
(cd "$out.tmp/deb" && apt-get download -qq nftables libnftables1 libjansson4 libnftnl11 libmnl0 libedit2 libbsd0 libseccomp-dev libseccomp2 mmdebstrap 2>download.log || { cat download.log >&2; exit 1; })
for d in "$out.tmp"/deb/*.deb; do dpkg -x "$d" "$out.tmp"; done
rm -r "$out.tmp/deb"
sed -i "s|^prefix=.*|prefix=$out/usr|" "$out.tmp"/usr/lib/*/pkgconfig/libseccomp.pc
mv "$out.tmp" "$out"
