package diag

import (
	"fmt"
	"sort"
	"strings"
)

// Severity ranks a diagnostic.
type Severity uint8

// Severities, worst first.
const (
	Error Severity = iota
	Warning
	Note
)

// Code is a diagnostic's stable name, such as "E0203"; errors begin with E, warnings
// with W, notes with N. The table codes.go documents each with a failing example.
type Code string

// Diagnostic is one message about a script.
type Diagnostic struct {
	Severity Severity
	Code     Code
	Span     Span
	Msg      string   // one line, lower case, no full stop
	Notes    []Remark // more places or facts
	Fix      *Fix     // what to write instead, when one is known
}

// Remark is a further line of a diagnostic, with a place of its own or without.
type Remark struct {
	Span Span
	Msg  string
}

// Fix is a proposed edit: the text of Span becomes Text. Msg says it in words,
// such as "did you mean `tracepoint:sched:sched_switch`?".
type Fix struct {
	Span Span
	Text string
	Msg  string
}

// Note adds a remark without a place and returns d.
func (d *Diagnostic) Note(format string, args ...any) *Diagnostic {
	d.Notes = append(d.Notes, Remark{Msg: fmt.Sprintf(format, args...)})
	return d
}

// NoteAt adds a remark at a place and returns d.
func (d *Diagnostic) NoteAt(s Span, format string, args ...any) *Diagnostic {
	d.Notes = append(d.Notes, Remark{Span: s, Msg: fmt.Sprintf(format, args...)})
	return d
}

// Suggest sets the fix "replace the diagnostic's span by text" and returns d.
func (d *Diagnostic) Suggest(text string) *Diagnostic { return d.SuggestAt(d.Span, text) }

// SuggestAt sets the fix "replace s by text" and returns d.
func (d *Diagnostic) SuggestAt(s Span, text string) *Diagnostic {
	d.Fix = &Fix{Span: s, Text: text, Msg: fmt.Sprintf("did you mean `%s`?", text)}
	return d
}

// Reporter collects the diagnostics of one compilation. One goroutine uses it.
type Reporter struct {
	Sources *Sources
	list    []*Diagnostic
	errors  int
}

// NewReporter returns an empty reporter over src.
func NewReporter(src *Sources) *Reporter { return &Reporter{Sources: src} }

// Errorf adds an error at s and returns it, so that notes and a fix can be added.
func (r *Reporter) Errorf(code Code, s Span, format string, args ...any) *Diagnostic {
	r.errors++
	return r.add(Error, code, s, format, args)
}

// Warnf adds a warning at s and returns it.
func (r *Reporter) Warnf(code Code, s Span, format string, args ...any) *Diagnostic {
	return r.add(Warning, code, s, format, args)
}

// Notef adds a note at s and returns it: something that is no mistake.
func (r *Reporter) Notef(code Code, s Span, format string, args ...any) *Diagnostic {
	return r.add(Note, code, s, format, args)
}

func (r *Reporter) add(sev Severity, code Code, s Span, format string, args []any) *Diagnostic {
	d := &Diagnostic{Severity: sev, Code: code, Span: s, Msg: fmt.Sprintf(format, args...)}
	r.list = append(r.list, d)
	return d
}

// Add takes over a diagnostic of another reporter over the same sources.
func (r *Reporter) Add(d *Diagnostic) {
	if d.Severity == Error {
		r.errors++
	}
	r.list = append(r.list, d)
}

// Failed reports whether an error was added.
func (r *Reporter) Failed() bool { return r.errors > 0 }

// Count is the number of errors so far.
func (r *Reporter) Count() int { return r.errors }

// All returns the diagnostics in order of position; of several errors on one line
// only the first stays, since the others mostly follow from it. Attach points have their own:
// what is wrong behind one on its line doesn't follow from it.
func (r *Reporter) All() []*Diagnostic {
	out := append([]*Diagnostic(nil), r.list...)
	sort.SliceStable(out, func(i, j int) bool { return out[i].Span.Start < out[j].Span.Start })
	type place struct {
		f     *Source
		line  int
		point bool
	}
	seen := map[place]bool{}
	kept := out[:0]
	for _, d := range out {
		if d.Severity == Error && d.Span.IsValid() && r.Sources != nil {
			if f, at, _ := r.Sources.Resolve(d.Span.Start); f != nil {
				line, _ := f.LineCol(at)
				at := place{f, line, strings.HasPrefix(string(d.Code), "E04")}
				if seen[at] {
					continue
				}
				seen[at] = true
			}
		}
		kept = append(kept, d)
	}
	return kept
}
