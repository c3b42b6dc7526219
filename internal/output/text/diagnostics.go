package text

import (
	"io"

	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/output"
)

// WriteDiagnostics writes what the compiler has to say of a script in bpftrace's form:
//
//	stdin:1:15-18: ERROR: undefined variable: $yy
//	begin { print($yy); }
//	              ~~~
//	HINT: did you mean `$y`?
//
// The uses of macros that led to a place follow it, innermost first. Codes aren't shown. Of
// colored errors and warnings the message is in red or yellow.
func WriteDiagnostics(w io.Writer, src *diag.Sources, list []*diag.Diagnostic, colored bool) error {
	out := output.NewWriter(w)
	for _, d := range list {
		out.Buf = appendDiagnostic(out.Buf, src, d.Severity, d.Span, d.Msg, colored)
		for _, n := range d.Notes {
			if n.Span.IsValid() {
				out.Buf = appendDiagnostic(out.Buf, src, diag.Note, n.Span, n.Msg, colored)
				continue
			}
			out.Buf = appendHint(out.Buf, n.Msg)
		}
		if d.Fix != nil {
			out.Buf = appendHint(out.Buf, d.Fix.Msg)
		}
	}
	return out.Flush()
}

// colors are those of bpftrace's messages.
var colors = [...]string{diag.Error: "\x1b[31m", diag.Warning: "\x1b[33m", diag.Note: ""}

func appendDiagnostic(b []byte, src *diag.Sources, sev diag.Severity, s diag.Span, msg string, colored bool) []byte {
	begin, end := "", "\n"
	if c := colors[sev]; colored && c != "" {
		begin, end = c, "\x1b[0m\n"
	}
	label := ": " + sev.String() + ": "
	at := output.PlacesOf(src, s)
	if len(at) == 0 {
		return append(append(append(b, begin...), label[2:]...), msg+end...)
	}
	for i := range at {
		b = append(append(append(b, begin...), at[i].Range...), label...)
		b = appendContext(append(b, msg+end...), &at[i])
		msg = "expanded from"
	}
	return b
}

func appendHint(b []byte, msg string) []byte {
	return append(append(b, "HINT: "...), msg+"\n"...)
}
