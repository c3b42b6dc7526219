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
// The uses of macros that led to a place follow it, innermost first. Codes aren't shown.
func WriteDiagnostics(w io.Writer, src *diag.Sources, list []*diag.Diagnostic) error {
	out := output.NewWriter(w)
	for _, d := range list {
		out.Buf = appendDiagnostic(out.Buf, src, d.Severity, d.Span, d.Msg)
		for _, n := range d.Notes {
			if n.Span.IsValid() {
				out.Buf = appendDiagnostic(out.Buf, src, diag.Note, n.Span, n.Msg)
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

func appendDiagnostic(b []byte, src *diag.Sources, sev diag.Severity, s diag.Span, msg string) []byte {
	label := ": " + sev.String() + ": "
	at := output.PlacesOf(src, s)
	if len(at) == 0 {
		return append(append(b, label[2:]...), msg+"\n"...)
	}
	for i := range at {
		b = append(append(b, at[i].Range...), label...)
		b = appendContext(append(b, msg+"\n"...), &at[i])
		msg = "expanded from"
	}
	return b
}

func appendHint(b []byte, msg string) []byte {
	return append(append(b, "HINT: "...), msg+"\n"...)
}
