#!/usr/bin/env bash
# Every shell script is one that its shell can read, and commands can be run.
set -euo pipefail
cd "$1"
status=0
count=0
while IFS= read -r -d '' file; do
	read -r first <"$file" || true
	case $first in
	'#!'*bash) shell=bash ;;
	'#!'*/sh) shell=sh ;;
	*) case $file in *.sh) shell=bash ;; *) continue ;; esac ;;
	esac
	count=$((count + 1))
	$shell -n "$file" || status=1
	if [[ $file =~ ^\./(script|\.ci)/[a-z]+$ && ! -x $file ]]; then
		echo "$file cannot be executed"
		status=1
	fi
done < <(find . \( -name .git -o -name build -o -name node_modules \) -prune -o -type f -print0)
((count > 5))
exit $status
