package diag

import (
	"encoding/json"
	"io"
)

// The JSON form of diagnostics, one object a line. It's a contract: fields are added,
// never changed or removed.
type (
	// jsonDiagnostic is one diagnostic. Location is absent where it has no place.
	jsonDiagnostic struct {
		Severity   string          `json:"severity"` // "error", "warning" or "note"
		Code       Code            `json:"code,omitempty"`
		Message    string          `json:"message"`
		Location   *jsonLocation   `json:"location,omitempty"`
		Expansions []jsonExpansion `json:"expansions,omitempty"` // of macros, innermost first
		Notes      []jsonNote      `json:"notes,omitempty"`
		Fix        *jsonFix        `json:"fix,omitempty"`
	}
	// jsonLocation is the range [start, end) of a file.
	jsonLocation struct {
		File  string    `json:"file"`
		Start jsonPoint `json:"start"`
		End   jsonPoint `json:"end"`
	}
	// jsonPoint is a place: line and column from 1, the column in bytes, and the byte
	// offset in the file from 0.
	jsonPoint struct {
		Line   int `json:"line"`
		Column int `json:"column"`
		Offset int `json:"offset"`
	}
	// jsonExpansion is a macro and the call that expanded it.
	jsonExpansion struct {
		Macro string        `json:"macro"`
		Call  *jsonLocation `json:"call,omitempty"`
	}
	jsonNote struct {
		Message  string        `json:"message"`
		Location *jsonLocation `json:"location,omitempty"`
	}
	// jsonFix is an edit: the text at location becomes text.
	jsonFix struct {
		Message  string        `json:"message"`
		Location *jsonLocation `json:"location,omitempty"`
		Text     string        `json:"text"`
	}
)

var severityJSON = [...]string{Error: "error", Warning: "warning", Note: "note"}

// WriteJSON writes diagnostics for programs: one JSON object a line, with severity
// ("error", "warning", "note"), code, message, location, expansions, notes and fix. A
// location has file, start and end; these have line and column, from 1 and in bytes,
// and offset, from 0. What a diagnostic doesn't have is left out.
func WriteJSON(w io.Writer, src *Sources, list []*Diagnostic) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for _, d := range list {
		if err := enc.Encode(toJSON(src, d)); err != nil {
			return err
		}
	}
	return nil
}

func toJSON(src *Sources, d *Diagnostic) jsonDiagnostic {
	j := jsonDiagnostic{
		Severity: severityJSON[d.Severity], Code: d.Code, Message: d.Msg,
		Location: src.location(d.Span),
	}
	if p, ok := src.locate(d.Span); ok {
		for _, e := range p.chain {
			j.Expansions = append(j.Expansions, jsonExpansion{e.Name, src.location(e.Call)})
		}
	}
	for _, n := range d.Notes {
		j.Notes = append(j.Notes, jsonNote{n.Msg, src.location(n.Span)})
	}
	if d.Fix != nil {
		j.Fix = &jsonFix{d.Fix.Msg, src.location(d.Fix.Span), d.Fix.Text}
	}
	return j
}

func (s *Sources) location(span Span) *jsonLocation {
	p, ok := s.locate(span)
	if !ok {
		return nil
	}
	return &jsonLocation{
		File:  p.file.Name,
		Start: jsonPoint{p.line, p.col, p.start},
		End:   jsonPoint{p.endLine, p.endCol, p.end},
	}
}
