// Package show prints BPF objects. What bpftool prints too has its words in text and its
// names in JSON, so that what reads bpftool's output reads skep's; what skep adds stands in
// members of its own. Lists of skep's own (PS) are tables that fit the terminal.
package show

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"

	"github.com/skep-bpf/skep/internal/inspect"
)

// Printer prints objects to one output. One of JSON and Text is set.
type Printer struct {
	JSON   *JSON
	Text   *bufio.Writer
	Reader *inspect.Reader
	Owners func() *inspect.Owners // nil: not told
	pins   map[object][]string    // paths; nil: not told
	pinned map[inspect.Kind]bool  // whether any object of the kind is pinned
	names  map[uint32]string      // of interfaces
	meta   map[uint32][]metadatum // of maps
	second time.Time              // the last that was printed
	time   string                 // its text
	line   []byte                 // what words and number have written
}

// object is an object's kind and id.
type object struct {
	kind inspect.Kind
	id   uint32
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

// SetPins tells where objects are pinned.
func (p *Printer) SetPins(pins []inspect.Pin) {
	p.pins, p.pinned = map[object][]string{}, map[inspect.Kind]bool{}
	for _, pin := range pins {
		if pin.Err == nil {
			o := object{pin.Kind, pin.ID}
			p.pins[o], p.pinned[pin.Kind] = append(p.pins[o], pin.Path), true
		}
	}
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

func (p *Printer) printf(format string, args ...any) {
	p.flush()
	fmt.Fprintf(p.Text, format, args...)
}

// words and number are printf for lists of thousands, where formats are most of the time. They
// add to a line, which flush ends. Errors stick to the writer.
func (p *Printer) words(words ...string) {
	for _, w := range words {
		p.line = append(p.line, w...)
	}
}

func (p *Printer) number(word string, n uint64) {
	p.line = strconv.AppendUint(append(p.line, word...), n, 10)
}

func (p *Printer) flush() {
	p.Text.Write(p.line)
	p.line = p.line[:0]
}

// moment is a time of day and date. Programs are loaded many at a time.
func (p *Printer) moment(t time.Time) string {
	if t = t.Truncate(time.Second); p.time == "" || !t.Equal(p.second) {
		p.second, p.time = t, t.Format("2006-01-02T15:04:05-0700")
	}
	return p.time
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
	paths := p.pins[object{k, id}]
	if p.JSON != nil {
		if p.pinned[k] {
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
	if p.Owners == nil {
		return
	}
	procs := p.Owners().Of(k, id)
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
	p.flush()
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
