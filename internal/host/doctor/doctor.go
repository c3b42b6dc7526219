// Package doctor finds out what this kernel, this user and this machine allow: it reads
// settings, and really tries each kind of probe for a moment. For what's missing it says
// why and what mends it.
package doctor

import (
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"text/tabwriter"

	"github.com/skep-bpf/skep/internal/host/exe"
	"github.com/skep-bpf/skep/internal/host/kern"
	"github.com/skep-bpf/skep/internal/host/sys"
)

// Row is one finding.
type Row struct {
	Group  string `json:"group"` // "machine", "user", "probes"
	Item   string `json:"item"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail,omitempty"` // what was found
	Reason string `json:"reason,omitempty"` // why it isn't OK
	Mend   string `json:"mend,omitempty"`   // what to do about it
}

// Report is all findings, in groups.
type Report struct {
	Rows []Row `json:"rows"`
}

// exam is what the checks share.
type exam struct {
	kernel  *kern.Kernel
	files   *exe.Files
	root    fs.FS
	version kern.Version
	caps    sys.Caps
}

// Examine makes the report on the machine whose tree is root, which is the running one's
// for the trials of probes. Nothing stays attached.
func Examine(kernel *kern.Kernel, files *exe.Files, root fs.FS) *Report {
	e := &exam{kernel: kernel, files: files, root: root}
	// A version or capabilities that can't be read are told by their own rows.
	e.version, _ = kernel.Version()
	e.caps, _ = sys.EffectiveCaps()
	r := &Report{}
	for _, c := range machineChecks() {
		row := c.look(e)
		row.Group, row.Item = "machine", c.item
		r.Rows = append(r.Rows, row)
	}
	for _, c := range userChecks() {
		row := c.look(e)
		row.Group, row.Item = "user", c.item
		r.Rows = append(r.Rows, row)
	}
	for _, t := range trials() {
		row := e.try(t)
		row.Group, row.Item = "probes", t.item
		r.Rows = append(r.Rows, row)
	}
	return r
}

// check is a row of a table of settings to look at.
type check struct {
	item string
	look func(*exam) Row
}

// Sound reports whether nothing is missing.
func (r *Report) Sound() bool {
	for _, row := range r.Rows {
		if !row.OK {
			return false
		}
	}
	return true
}

// Print writes the report as a table.
func (r *Report) Print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	group := ""
	for _, row := range r.Rows {
		if row.Group != group {
			if group != "" {
				fmt.Fprintln(t)
			}
			group = row.Group
			fmt.Fprintf(t, "%s\n", group)
		}
		state, text := "ok", row.Detail
		if !row.OK {
			state, text = "no", row.Reason
		}
		fmt.Fprintf(t, "  %s\t%s\t%s\n", row.Item, state, text)
		if !row.OK && row.Mend != "" {
			fmt.Fprintf(t, "  \t\t  mend: %s\n", row.Mend)
		}
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

// PrintJSON writes the report as one JSON object.
func (r *Report) PrintJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	if err := enc.Encode(r); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}
