package discover

import (
	"path/filepath"
	"strings"
)

// binary is a program or a library: its absolute path, and the name by which listings and
// the probe builtin show it, which is as the script writes it.
type binary struct{ name, path string }

// byPath names binaries by their paths.
func byPath(paths []string) []binary {
	var all []binary
	for _, p := range paths {
		all = append(all, binary{p, p})
	}
	return all
}

// writtenName is a binary's name in the manner of the target that found it: a path as it is
// written, with its wildcards filled in. What was found by a search is named by its path.
func writtenName(target, path string) string {
	abs, err := filepath.Abs(target)
	if err != nil {
		return path
	}
	if abs == path {
		return target
	}
	parts, found := strings.Split(target, "/"), strings.Split(path, "/")
	first := 0
	for first < len(parts) && !strings.Contains(parts[first], "*") {
		first++
	}
	n := len(parts) - first
	if n == 0 || n > len(found) {
		return path
	}
	name := strings.Join(append(parts[:first:first], found[len(found)-n:]...), "/")
	if full, err := filepath.Abs(name); err != nil || full != path {
		return path
	}
	return name
}
