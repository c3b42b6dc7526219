#!/usr/bin/env bash
# Runs all tests: format, vet, staticcheck, the Go tests on this kernel, and those that
# boot other kernels in QEMU. As root on Debian it installs the programs that they need;
# otherwise it says what it leaves out. Kernels are downloaded once, to SKEP_VM_CACHE or
# ~/.cache/skep/kernels.
#
#   ./test.sh         everything
#   ./test.sh quick   without booting kernels
set -uo pipefail
cd "$(dirname "$0")" || exit
export CGO_ENABLED=0

left_out=()

# Program and the Debian package that has it.
needs="qemu-system-x86_64:qemu-system-x86 mkfs.ext4:e2fsprogs xz:xz-utils zstd:zstd cpio:cpio curl:curl setpriv:util-linux tmux:tmux bpftool:bpftool strace:strace ip:iproute2 dwz:dwz"

missing_packages() {
	local need
	for need in $needs; do
		command -v "${need%%:*}" >/dev/null || echo "${need#*:}"
	done
}

install_missing() {
	local packages
	packages=$(missing_packages)
	[ -n "$packages" ] || return 0
	if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
		left_out+=("tests that need these packages, which only root on Debian can install here:" $packages)
		return 0
	fi
	echo "== install" $packages
	if ! { apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends $packages; }; then
		left_out+=("tests that need these packages, which could not be installed:" $packages)
	fi
}

check_format() {
	local files
	files=$(git ls-files '*.go' | xargs gofmt -l)
	if [ -n "$files" ]; then
		echo "not formatted:" $files
		return 1
	fi
}

# tests runs go test and keeps its lines, for the list of what was skipped.
tests() {
	go test -v "$@" 2>&1 | tee -a "$log"
}

in_booted_kernels() {
	if [ "$(uname -sm)" != "Linux x86_64" ] || ! command -v qemu-system-x86_64 >/dev/null; then
		left_out+=("tests in booted kernels: no qemu-system-x86_64 on Linux x86_64 here")
		return 0
	fi
	local packages
	packages=$(go list -f '{{.Dir}} {{join .TestImports ","}} {{join .XTestImports ","}}' ./... |
		grep 'internal/testkit/vm' | cut -d' ' -f1)
	# One guest at a time: they are emulated, and each takes a CPU.
	SKEP_T3=${SKEP_T3:-all} tests -p 1 -count 1 -timeout 30m -run 'Guest|T3$' $packages
}

# summary lists what this machine didn't let run, with the reasons.
summary() {
	echo "== left out"
	[ "$(id -u)" = 0 ] || left_out+=("tests on the live kernel, which need root")
	if [ ${#left_out[@]} -gt 0 ]; then
		printf '%s\n' "${left_out[@]}"
	fi
	awk '/^ *--- SKIP/ { print $3 ":" reason } { reason = $0; sub(/^ *[^ ]*:[0-9]+:/, "", reason) }' "$log" | sort -u
}

# failures shows the last lines of each test that failed, of guests too: their output stands
# indented among ours.
failures() {
	awk '
		/^ *=== (RUN|CONT|NAME) / { test = $3; if ($2 == "RUN") lines[test] = 0; next }
		/^ *--- FAIL: / {
			print $3
			for (i = lines[$3] - 60 > 0 ? lines[$3] - 60 : 0; i < lines[$3]; i++) print "\t" line[$3, i]
		}
		/^ *(===|---) / { next }
		{ line[test, lines[test]++] = $0 }
	' "$log"
}

# step runs a part and goes on when it fails.
failed=()
step() {
	echo "== $1"
	"${@:2}" || failed+=("$1")
}

log=$(mktemp)
trap 'rm -f "$log"' EXIT
install_missing
step gofmt check_format
step vet go vet ./...
step staticcheck go tool staticcheck ./...
step "tests on this kernel, $(uname -r)" tests -timeout 15m ./...
[ "${1:-}" = quick ] || step "tests in booted kernels" in_booted_kernels
summary
if [ ${#failed[@]} -gt 0 ]; then
	failures
	printf 'FAILED: %s\n' "${failed[@]}"
	exit 1
fi
echo "all passed"
