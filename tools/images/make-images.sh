#!/bin/bash
# make-images.sh [SUITE=trixie]...: redis and postgres images from Debian packages only; no image is pulled.
# Leaves local/redis:<major> and local/postgres:<major> (which also has pgbouncer) of each suite, behaving like the official ones.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
roots=$(mktemp -d -t rootfs.XXXXXX)
trap 'rm -rf "$roots"' EXIT

[ $# -gt 0 ] || set -- trixie
for suite; do
  root=$roots/$suite
  "$here/fast-rootfs.sh" "$suite" "$root"
  tar -C "$root" --numeric-owner -c . |
    docker import -c 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' - "local/debian-data:$suite" >/dev/null
  redis=$(chroot "$root" redis-server --version | grep -oP 'v=\K\d+')
  postgres=$(chroot "$root" postgres --version | grep -oP '\) \K\d+')
  for image in "redis:$redis" "postgres:$postgres"; do
    context=$here/${image%%:*}
    sed "s#^FROM .*#FROM local/debian-data:$suite#" "$context/Dockerfile" |
      docker build -q -f - -t "local/$image" "$context" 2>/dev/null
  done
done
