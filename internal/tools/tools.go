// Package tools holds the tools that are built in: scripts, each of which declares its
// options in the comment at its top. The same header serves any script of a user.
package tools

import (
	"embed"
	"io/fs"
	"strings"

	"github.com/skep-bpf/skep/internal/diag"
)

//go:embed *.bt
var scripts embed.FS

// Tool is a built-in script.
type Tool struct {
	Name   string // the command: "biolatency"
	Source string // of the script
}

// Lookup finds a tool by its name.
func Lookup(name string) (Tool, bool) {
	text, err := scripts.ReadFile(name + ".bt")
	return Tool{name, string(text)}, err == nil && fs.ValidPath(name+".bt")
}

// All are the tools in the order of their names.
func All() []Tool {
	entries, err := scripts.ReadDir(".")
	if err != nil {
		panic("BUG: embedded scripts: " + err.Error())
	}
	all := make([]Tool, len(entries))
	for i, e := range entries {
		all[i], _ = Lookup(strings.TrimSuffix(e.Name(), ".bt"))
	}
	return all
}

// Header reads the tool's own header, which every tool has.
func (t Tool) Header() *Header {
	var sources diag.Sources
	rep := diag.NewReporter(&sources)
	h := ParseHeader(sources.Add(t.Name+".bt", t.Source), rep)
	if h == nil || rep.Failed() {
		panic("BUG: header of the tool " + t.Name)
	}
	return h
}
