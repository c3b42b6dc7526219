// Package show prints BPF objects. What bpftool prints too has its words in text and its
// names in JSON, so that what reads bpftool's output reads skep's; what skep adds stands in
// members of its own. Lists of skep's own (PS) are tables that fit the terminal.
package show

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"

	"github.com/skep-bpf/skep/internal/inspect"
)

// Printer prints objects to one output. One of JSON and Text is set.
type Printer struct {
	JSON   *JSON
	Text   *bufio.Writer
	Reader *inspect.Reader
	Owners *inspect.Owners        // nil: not told
	Pins   []inspect.Pin          // nil: not told
	names  map[uint32]string      // of interfaces
	meta   map[uint32][]metadatum // of maps
}

// NewPrinter prints text, or JSON.
func NewPrinter(w io.Writer, r *inspect.Reader, asJSON, pretty bool) *Printer {
	p := &Printer{Reader: r, names: map[uint32]string{}}
	if asJSON {
		p.JSON = NewJSON(w, pretty)
	} else {
		p.Text = bufio.NewWriterSize(w, 1<<15)
	}
	return p
}

// Close writes what is buffered.
func (p *Printer) Close() error {
	if p.JSON != nil {
		return p.JSON.Close()
	}
	return p.Text.Flush()
}

// Err is the first error of writing: a closed pipe ends a long dump.
func (p *Printer) Err() error {
	if p.JSON != nil {
		return p.JSON.Err()
	}
	_, err := p.Text.Write(nil)
	return err
}

func (p *Printer) printf(format string, args ...any) { fmt.Fprintf(p.Text, format, args...) }

// words and number are printf for lists of thousands, where formats are most of the time.
// Errors stick to the writer.
func (p *Printer) words(words ...string) {
	for _, w := range words {
		p.Text.WriteString(w)
	}
}

func (p *Printer) number(word string, n uint64) {
	p.Text.WriteString(word)
	p.Text.Write(strconv.AppendUint(p.Text.AvailableBuffer(), n, 10))
}

// typeMember writes a type's name, or its number when it's newer than skep.
func typeMember(j *JSON, name string, table []string, n uint32) {
	if s, ok := inspect.TypeName(table, n); ok {
		j.Member(name, s)
	} else {
		j.Member(name, n)
	}
}

// typeWord is the name of a type, or "type N".
func typeWord(table []string, n uint32) string {
	s, ok := inspect.TypeName(table, n)
	if !ok {
		return "type " + s
	}
	return s
}

// references writes who holds an object and where it's pinned.
func (p *Printer) references(k inspect.Kind, id uint32, owners bool) {
	var paths []string
	for _, pin := range p.Pins {
		if pin.Err == nil && pin.Kind == k && pin.ID == id {
			paths = append(paths, pin.Path)
		}
	}
	if p.JSON != nil {
		if slices.ContainsFunc(p.Pins, func(pin inspect.Pin) bool { return pin.Err == nil && pin.Kind == k }) {
			p.JSON.Member("pinned", paths) // [] too, when others have some
		}
	} else {
		for _, path := range paths {
			p.printf("\n\tpinned %s", path)
		}
	}
	if owners {
		p.owners(k, id)
	}
}

func (p *Printer) owners(k inspect.Kind, id uint32) {
	procs := p.Owners.Of(k, id)
	if len(procs) == 0 {
		return
	}
	if j := p.JSON; j != nil {
		j.Name("pids")
		j.Open("[")
		for _, o := range procs {
			j.Open("{")
			p.process(o)
			j.End("}")
		}
		j.End("]")
		return
	}
	sep := "\n\tpids "
	for _, o := range procs {
		p.words(sep, o.Comm)
		p.number("(", uint64(o.PID))
		p.words(")")
		sep = ", "
	}
}

// process writes the members of a process that holds an object.
func (p *Printer) process(o *inspect.Process) {
	p.JSON.Member("pid", o.PID)
	p.JSON.Member("comm", o.Comm)
	if o.Container != "" {
		p.JSON.Member("container", o.Container)
	}
}

// device is an interface's name: "(unknown)" when it's gone or in another namespace.
func (p *Printer) device(index uint32) string {
	if index == 0 {
		return "(detached)"
	}
	if s, ok := p.names[index]; ok {
		return s
	}
	name := "(unknown)"
	if i, err := net.InterfaceByIndex(int(index)); err == nil {
		name = i.Name
	}
	p.names[index] = name
	return name
}
