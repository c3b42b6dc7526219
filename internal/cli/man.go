package cli

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

func (a *app) manCommand(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use: "man DIR", Short: "Write manual pages into a directory", Args: wantArgs(1, 1, "a directory"),
		RunE: func(_ *cobra.Command, args []string) error { return writeManPages(root, args[0]) },
	}
}

// writeManPages writes a page for each command and tool; they carry no date, so that the
// same version gives the same pages.
func writeManPages(root *cobra.Command, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make the directory: %w", err)
	}
	root.DisableAutoGenTag = true
	root.Long = "skep compiles scripts in the bpftrace language to BPF and runs them.\n\n" +
		"The exit status is 0, 1 for an error, 2 for wrong usage, or what the script gave to exit()."
	header := &doc.GenManHeader{Section: "8", Source: "skep " + Version, Manual: "skep"}
	if err := doc.GenManTree(root, header, dir); err != nil {
		return fmt.Errorf("write manual pages: %w", err)
	}
	return nil
}
