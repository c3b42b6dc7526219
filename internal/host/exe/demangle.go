package exe

import (
	"strings"

	"github.com/ianlancetaylor/demangle"
)

// Demangle returns the C++ or Rust name of a mangled symbol, with its parameters or
// without; ok is false when it isn't mangled.
func Demangle(symbol string, params bool) (name string, ok bool) {
	if !strings.HasPrefix(symbol, "_Z") && !strings.HasPrefix(symbol, "____Z") && !strings.HasPrefix(symbol, "_R") {
		return "", false
	}
	var opts []demangle.Option
	if !params {
		opts = append(opts, demangle.NoParams)
	}
	name, err := demangle.ToString(symbol, opts...)
	return name, err == nil
}
