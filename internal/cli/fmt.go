package cli

import (
	"fmt"
	"io"
	"os"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/spf13/cobra"

	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/syntax"
)

// fmtCommand is `skep fmt`.
func (a *app) fmtCommand() *cobra.Command {
	var write, diff bool
	c := &cobra.Command{
		Use:   "fmt [-w] [-d] [FILE …]",
		Short: "Format scripts",
		Long: "Format scripts in the one standard layout, and print them. Without a file the\n" +
			"script is read from stdin. Scripts with errors stay as they are.",
		Example: "  skep fmt tool.bt\n  skep fmt -w *.bt\n  skep fmt -d tool.bt",
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				if write {
					return usagef("-w needs files")
				}
				args = []string{"-"}
			}
			return a.format(args, write, diff)
		},
	}
	c.Flags().BoolVarP(&write, "write", "w", false, "write the result to the file")
	c.Flags().BoolVarP(&diff, "diff", "d", false, "print what would change; status 1 if something would")
	return c
}

// format formats each of the files; errors in one don't keep it from the others.
func (a *app) format(paths []string, write, showDiff bool) error {
	failed := false
	for _, path := range paths {
		old, text, err := a.formatOne(path)
		switch {
		case err != nil:
			return err
		case text == "":
			failed = true
		case showDiff:
			d := string(diff.Diff(path+".orig", []byte(old), path, []byte(text)))
			failed = failed || d != "" && !write
			fmt.Fprint(a.out, d)
		case !write:
			fmt.Fprint(a.out, text)
		}
		if write && text != "" && text != old {
			if err := replaceFile(path, text); err != nil {
				return err
			}
		}
	}
	if failed {
		return exit(exitError)
	}
	return nil
}

// formatOne formats one file. The text is "" if it has errors, which are reported.
func (a *app) formatOne(path string) (old, text string, err error) {
	j := new(Job)
	if err := a.load(j, path); err != nil {
		return "", "", err
	}
	text, ok := a.formatText(j)
	if !ok {
		return j.Text, "", nil
	}
	return j.Text, text, nil
}

// formatText formats a job's script; false: it has errors, which were reported.
func (a *app) formatText(j *Job) (string, bool) {
	var sources diag.Sources
	rep := diag.NewReporter(&sources)
	script := syntax.Parse(sources.Add(j.Name, j.Text), new(syntax.IDs), rep)
	if rep.Failed() {
		a.report(&sources, rep, "text")
		return "", false
	}
	if text := syntax.Format(script); text != "" {
		return text, true
	}
	return "\n", true
}

// replaceFile puts text into the file at once: a crash leaves the old file or the new.
func replaceFile(path, text string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	tmp := path + ".skep-fmt"
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, info.Mode().Perm())
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	_, err = io.WriteString(f, text)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(tmp, path)
	}
	if err != nil {
		os.Remove(tmp)
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
