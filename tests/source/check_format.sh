#!/usr/bin/env bash
# All our C is as clang-format writes it, in the version that both Debian releases have.
set -euo pipefail
cd "$1"
mapfile -d '' files < <(find src include tests bench -name node_modules -prune -o -name '*.[ch]' -print0)
((${#files[@]} > 50))
clang-format-19 --dry-run -Werror "${files[@]}"
