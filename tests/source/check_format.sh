#!/usr/bin/env bash
# All our C is as clang-format writes it.
set -euo pipefail
cd "$1"
mapfile -d '' files < <(find src include tests bench -name node_modules -prune -o -name '*.[ch]' -print0)
((${#files[@]} > 50))
clang-format --dry-run -Werror "${files[@]}"
