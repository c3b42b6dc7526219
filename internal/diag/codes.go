package diag

// CodeDoc documents a code: what `skep explain CODE` prints.
type CodeDoc struct {
	Code    Code
	Title   string // one line, without a full stop
	Text    string // what is wrong and what to do, in sentences
	Example string // a script (or command line, from E06xx on) that gives this code
}

// Codes is the table of all codes, in the order of their numbers: E01xx text and
// grammar, E02xx names, macros and imports, E03xx types, E04xx probes, E05xx limits
// of BPF, E06xx engine and kernel, E07xx options, W0xxx warnings, N0xxx notes.
func Codes() []CodeDoc {
	var all []CodeDoc
	for _, part := range [][]CodeDoc{
		syntaxCodes,
		expandCodes,
		typesCodes,
		probeCodes,
		compileCodes,
		cCodes,
	} {
		all = append(all, part...)
	}
	return all
}

// Explain finds the documentation of a code.
func Explain(code Code) (CodeDoc, bool) {
	for _, d := range Codes() {
		if d.Code == code {
			return d, true
		}
	}
	return CodeDoc{}, false
}
