package cli

import (
	"errors"
	"os"

	"github.com/spf13/cobra"

	"github.com/skep-bpf/skep/internal/host/doctor"
)

// doctorCommand is `skep doctor`: what this kernel, user and machine allow.
func (a *app) doctorCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "doctor [--json]",
		Short: "Tell what this kernel, user and machine allow, and how to mend what they don't",
		Long: "Tell what this kernel, user and machine allow: types, events, each kind of probe,\n" +
			"capabilities and settings, and for what is missing why, and how to mend it.",
		Args: wantArgs(0, 0, "no arguments"),
		RunE: func(*cobra.Command, []string) error { return a.doctor(asJSON) },
	}
	c.Flags().BoolVarP(&asJSON, "json", "j", false, "print JSON")
	return c
}

func (a *app) doctor(asJSON bool) error {
	m := newMachine(&Job{})
	report := doctor.Examine(m.kernel, m.files, os.DirFS("/"))
	if asJSON {
		return errors.Join(report.PrintJSON(a.out), m.Close())
	}
	return errors.Join(report.Print(a.out), m.Close())
}
