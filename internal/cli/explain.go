package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/skep-bpf/skep/internal/diag"
)

func (a *app) explainCommand() *cobra.Command {
	return &cobra.Command{
		Use: "explain CODE", Short: "Explain the code of a message", Args: wantArgs(1, 1, "a code such as E0212"),
		Example: "  skep explain E0212",
		RunE:    func(_ *cobra.Command, args []string) error { return a.explain(args[0]) },
	}
}

func (a *app) explain(code string) error {
	d, ok := diag.Explain(diag.Code(strings.ToUpper(strings.Trim(code, "[]"))))
	if !ok {
		return usagef("there is no code %s", code)
	}
	fmt.Fprintf(a.out, "%s: %s\n\n%s\n", d.Code, d.Title, d.Text)
	if d.Example != "" {
		fmt.Fprintf(a.out, "\nexample:\n    %s\n", strings.ReplaceAll(d.Example, "\n", "\n    "))
	}
	return nil
}
