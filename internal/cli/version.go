package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// Version is skep's version; bpftraceVersion is that of the language it speaks, bpftoolVersion
// and libbpfVersion those of the words and object files that it takes.
const (
	Version         = "0.1.0-dev"
	bpftraceVersion = "v0.27.1"
	bpftoolVersion  = "7.8.0"
	libbpfVersion   = "1.8"
)

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: wantArgs(0, 0, "no arguments"),
		RunE: func(*cobra.Command, []string) error { return a.version() },
	}
}

func (a *app) version() error {
	_, err := fmt.Fprintf(a.out, "skep %s%s (bpftrace language %s, %s, %s/%s)\n",
		Version, revision(), bpftraceVersion, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}

// revision is the commit that the binary was built from, if it's known.
func revision() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	commit, changed := "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision" && len(s.Value) >= 12:
			commit = "+" + s.Value[:12]
		case s.Key == "vcs.modified" && s.Value == "true":
			changed = ".changed"
		}
	}
	if commit == "" {
		return ""
	}
	return commit + changed
}
