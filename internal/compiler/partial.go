package compiler

import (
	"regexp"
	"sync"

	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/syntax"
	"github.com/skep-bpf/skep/internal/probe"
)

// mapName is a map as a script's text names it; few scripts need the pattern.
var mapName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`@[a-zA-Z0-9_]*`) })

// withoutBroken takes the probes with syntax errors out of a script that is only checked, so that
// mistakes of types in the others are told along with them. unsure are the maps that the
// broken ones name, of which they may give the type. False: something else is wrong, which the
// probes may rest on.
func withoutBroken(script *syntax.Script, rep *diag.Reporter) (unsure map[string]bool, ok bool) {
	src := script.Source
	broken := map[int]bool{}
	for _, d := range rep.All() {
		if d.Severity != diag.Error {
			continue
		}
		at := -1
		for i, decl := range script.Decls {
			if decl.Span().Start <= d.Span.Start {
				at = i
			}
		}
		if at < 0 {
			return nil, false
		}
		p, ok := script.Decls[at].(*syntax.Probe)
		if !ok || len(p.Points) == 0 || !knownKind(p.Points[0]) {
			return nil, false // or a macro without its word
		}
		broken[at] = true
	}
	for i, decl := range script.Decls {
		// One without a body has an error that was left out, as it follows from another.
		if p, ok := decl.(*syntax.Probe); ok && (p.Body == nil || len(p.Points) == 0) {
			broken[i] = true
		}
	}
	unsure = map[string]bool{}
	var kept []syntax.Decl
	for i, decl := range script.Decls {
		if !broken[i] {
			kept = append(kept, decl)
			continue
		}
		end := len(src.Text)
		if i+1 < len(script.Decls) {
			end = src.Offset(script.Decls[i+1].Span().Start)
		}
		for _, name := range mapName().FindAllString(src.Text[src.Offset(decl.Span().Start):end], -1) {
			unsure[name] = true
		}
	}
	script.Decls = kept
	return unsure, len(kept) > 0
}

func knownKind(p *syntax.AttachPoint) bool {
	_, ok := probe.Lookup(p.Parts[0].Text)
	return ok
}

// checkRest checks what is left of a script with syntax errors. Only errors are taken over:
// warnings may be about what was left out.
func checkRest(script *syntax.Script, opt Options, ids *syntax.IDs, rep *diag.Reporter, phase *string) {
	unsure, ok := withoutBroken(script, rep)
	if !ok {
		return
	}
	opt.Check.Unsure = unsure
	rest := diag.NewReporter(rep.Sources)
	check(script, opt, ids, rest, phase)
	for _, d := range rest.All() {
		if d.Severity == diag.Error {
			rep.Add(d)
		}
	}
}
