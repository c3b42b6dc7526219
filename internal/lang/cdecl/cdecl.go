// Package cdecl reads the C of a script and of the headers that it includes: directives,
// macros, and the definitions of types.
//
// The work is done by modernc.org/cc, a preprocessor and C front end that needs no host
// compiler. What it needs of a target (ABI, predefined macros, the headers that belong to a
// compiler) is here, and so is what makes it fit for scripts:
//
//   - The kernel's headers aren't read. Their types come from BTF: those that the C text
//     names and doesn't define are declared to the front end before it (names.go, prelude.go).
//   - The few well-known macros that BTF can't tell of come from a table (known.go), all
//     others from the kernel's headers where a machine has them, when a script uses them
//     (constants.go).
//   - Errors are diagnostics at the place in the header, with the chain of #includes that
//     leads there (diagnose.go).
//
// A script without C text costs nothing: no file is looked for, and the front end isn't
// entered.
package cdecl

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/types"
)

// Options are what the C text may ask for.
type Options struct {
	// Lookup finds a type that the text doesn't define: "struct sock", "u32". nil: there are none.
	Lookup func(name string) (*types.Type, bool)
	// Enumerator finds an enumerator that the text doesn't define; nil: there are none.
	Enumerator func(name string) (uint64, *types.Type, bool)
	// ReadFile reads a header; nil: none can be read.
	ReadFile func(path string) ([]byte, error)
	Dirs     []string // of -I, in order
	Arch     string   // "amd64", "arm64": ABI, predefined macros, some constants
	// Release is the running kernel's, as uname tells it: where its headers may be, and
	// LINUX_VERSION_CODE. "": unknown.
	Release string
	// Headers are the folders of the kernel's headers; nil: those of Release in /lib/modules.
	Headers []string
	HaveBTF bool // defines BPFTRACE_HAVE_BTF
	// bodies: functions are wanted, too; see ReadProgram.
	bodies bool
}

// Define is a C macro without parameters. Text is its body, of as many bytes as in the source,
// so that a byte of it stands at Pos plus its offset; Pos is diag.NoPos for predefined ones.
type Define struct {
	Name string
	Text string
	Pos  diag.Pos
	Span diag.Span // of its name where it's defined
}

// Reader collects the C texts of a compilation in their order. Macros and open #ifs last
// from one text of a file to its next.
type Reader struct {
	opt   Options
	rep   *diag.Reporter
	units []*unit
}

// unit is a run of C text as the front end reads it: a script with everything but its C text
// blanked, so that lines and columns stay, or a line that includes a header.
type unit struct {
	name string // to the front end; its directory is where quoted includes are looked for
	src  *diag.Source
	text strings.Builder
	end  int       // the offset in src that text reaches to
	at   diag.Span // of the header asked for from outside of C text; else invalid
}

// NewReader returns a reader that reports to rep.
func NewReader(opt Options, rep *diag.Reporter) *Reader {
	if opt.Arch == "" {
		opt.Arch = "amd64"
	}
	return &Reader{opt: opt, rep: rep}
}

// Text reads C text that stands at a position; dir is where its quoted includes are
// looked for first.
func (r *Reader) Text(text string, at diag.Pos, dir string) {
	src, at, _ := r.rep.Sources.Resolve(at)
	start := src.Offset(at)
	u := r.last(src, start)
	if u == nil {
		u = &unit{name: r.unitName(dir), src: src}
		r.units = append(r.units, u)
	}
	for ; u.end < start; u.end++ {
		c := byte(' ')
		if src.Text[u.end] == '\n' {
			c = '\n'
		}
		u.text.WriteByte(c)
	}
	u.text.WriteString(text)
	u.end += len(text)
	if text = strings.TrimSpace(text); text != "" && text[0] != '#' && !strings.HasSuffix(text, ";") {
		u.text.WriteByte(';') // the language lets it be left out
		if u.end < len(src.Text) && src.Text[u.end] != '\n' {
			u.end++ // it takes the place of what's no C text
		}
	}
}

// last is the last unit if it's of src and ends before an offset of it.
func (r *Reader) last(src *diag.Source, start int) *unit {
	if len(r.units) == 0 {
		return nil
	}
	u := r.units[len(r.units)-1]
	if u.src != src || u.at.IsValid() || u.end > start {
		return nil
	}
	return u
}

func (r *Reader) unitName(dir string) string {
	return filepath.Join(dir, fmt.Sprintf("[%d]", len(r.units)))
}

// Include reads a header as #include "name" at a place of the script in dir would.
func (r *Reader) Include(name string, at diag.Span, dir string) {
	src, _, _ := r.rep.Sources.Resolve(at.Start)
	u := &unit{name: r.unitName(dir), src: src, at: at}
	fmt.Fprintf(&u.text, "#include \"%s\"\n", name)
	r.units = append(r.units, u)
}
