package cli

import (
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/skep-bpf/skep/internal/diag"
)

// Variables of the environment that are no config variables of a script's, by bpftrace's names.
const (
	btfVar          = "BPFTRACE_BTF"           // a file with the kernel's types
	kernelSourceVar = "BPFTRACE_KERNEL_SOURCE" // a folder with the kernel's headers
	kernelBuildVar  = "BPFTRACE_KERNEL_BUILD"  // and one with those that its build makes
	colorVar        = "BPFTRACE_COLOR"         // whether mistakes are colored
	vmlinuxVar      = "BPFTRACE_VMLINUX"       // bpftrace looks up offsets in it
)

// checkEnviron warns of values of the environment that can't be used.
func (m *machine) checkEnviron(rep *diag.Reporter) {
	if m.typesFile != "" {
		if _, err := m.kernel.BTF(); err != nil {
			rep.Warnf(diag.WarnEnviron, diag.Span{}, "BTF: failed to parse BTF from %s", os.Getenv(btfVar)).Note("%v", err)
		}
	}
	if os.Getenv(vmlinuxVar) != "" {
		rep.Warnf(diag.WarnEnviron, diag.Span{}, "%s has no effect", vmlinuxVar).
			Note("the kernel itself checks offsets into its functions when a probe is attached")
	}
	switch mode := os.Getenv(colorVar); mode {
	case "", "auto", "always", "never":
	default:
		rep.Warnf(diag.WarnEnviron, diag.Span{}, "Invalid env value! The valid values of `%s` are [auto|always|never]. The current value is %s!", colorVar, mode)
	}
}

// typesFile is the file of BPFTRACE_BTF, as the tree from / has it; "": the kernel's own.
func typesFile() string {
	path, ok := os.LookupEnv(btfVar)
	if !ok {
		return ""
	}
	abs, err := filepath.Abs(path)
	if err != nil || abs == "/" {
		return "." // no file
	}
	return strings.TrimPrefix(abs, "/")
}

// kernelHeaders are the folders of the kernel's headers that the environment names; nil: none.
func kernelHeaders() []string {
	source, build := os.Getenv(kernelSourceVar), os.Getenv(kernelBuildVar)
	switch {
	case source == "":
		return nil
	case build == "":
		return []string{source}
	}
	return []string{build, source}
}

// colored reports whether mistakes that go to w are to be colored.
func colored(w io.Writer) bool {
	switch os.Getenv(colorVar) {
	case "always":
		return true
	case "never":
		return false
	}
	return isTerminal(w)
}
