package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/syntax"
	"github.com/skep-bpf/skep/internal/output/text"
)

// writeBpftraceForm writes diagnostics in bpftrace's form. It finds some mistakes elsewhere:
// a header that's missing is said by its C compiler, and a place in a binary that can't be
// probed when it attaches, where the script's text isn't known any more.
func writeBpftraceForm(w io.Writer, src *diag.Sources, list []*diag.Diagnostic, colored bool) error {
	for _, d := range list {
		var err error
		switch d.Code {
		case diag.CodeCHeader:
			_, err = fmt.Fprintf(w, "%sfatal error: %s\n", definitionsPlace(src, d.Span), d.Msg)
		case diag.CodeUserPlace:
			err = writeUserPlace(w, src, d, colored)
		default:
			err = text.WriteDiagnostics(w, src, []*diag.Diagnostic{d}, colored)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// definitionsPlace is a place of C text as bpftrace's C compiler knows it: the C text of the
// script is all in one file, from its second line on. --include has no place.
func definitionsPlace(src *diag.Sources, s diag.Span) string {
	file, at, _ := src.Resolve(s.Start)
	if file != src.Files()[0] {
		line, col := file.LineCol(at)
		return fmt.Sprintf("%s:%d:%d: ", file.Name, line, col)
	}
	line := 2
	for _, d := range syntax.Parse(file, new(syntax.IDs), diag.NewReporter(src)).Decls {
		c, ok := d.(*syntax.CDef)
		if !ok {
			continue
		}
		if c.Span().Start <= at && s.End <= c.Span().End {
			before := c.Text[:at-c.Span().Start]
			line += strings.Count(before, "\n")
			return fmt.Sprintf("definitions.h:%d:%d: ", line, len(before)-strings.LastIndex(before, "\n"))
		}
		line += strings.Count(strings.TrimSuffix(c.Text, "\n"), "\n") + 1
	}
	return ""
}

// writeUserPlace writes why a probe isn't attached to a place in a binary.
func writeUserPlace(w io.Writer, src *diag.Sources, d *diag.Diagnostic, colored bool) error {
	said := *d
	said.Span, said.Notes = diag.Span{}, nil
	for _, n := range d.Notes {
		if strings.HasPrefix(n.Msg, "--unsafe") {
			if strings.HasSuffix(said.Msg, ")") { // so that it's a sentence
				said.Msg += "."
			}
			said.Msg += "\nUse --unsafe to force attachment. WARNING: This option could lead to data corruption in the target process."
		}
	}
	if err := text.WriteDiagnostics(w, src, []*diag.Diagnostic{&said}, colored); err != nil {
		return err
	}
	file, at, _ := src.Resolve(d.Span.Start)
	point := file.Text[file.Offset(at):file.Offset(at+d.Span.End-d.Span.Start)]
	_, err := fmt.Fprintln(w, unableToAttach(point))
	return err
}

// unableToAttach is bpftrace's last word on a probe that it can't attach.
func unableToAttach(point string) string {
	return "ERROR: Unable to attach probe: " + point + ". If this is expected, set the 'missing_probes' config variable to 'warn'."
}
