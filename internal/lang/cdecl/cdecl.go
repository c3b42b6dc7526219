// Package cdecl reads the C that stands before a script and in the headers it includes:
// the preprocessor's directives, and the definitions of types. The kernel's and the C
// library's own headers aren't read: what they define comes from BTF, and the few
// well-known macros that BTF can't tell from a table.
package cdecl

import (
	"path/filepath"
	"strings"

	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/types"
)

// Options are what the C text may ask for.
type Options struct {
	// Lookup finds a type that the text doesn't define: "struct sock", "u32". nil: there are none.
	Lookup func(name string) (*types.Type, bool)
	// ReadFile reads a header; nil: none can be read.
	ReadFile func(path string) ([]byte, error)
	Dirs     []string // of -I, in order
	Arch     string   // "amd64", "arm64": some constants differ
	HaveBTF  bool     // defines BPFTRACE_HAVE_BTF
}

// Define is a C macro. Text is its body, of as many bytes as in the source, so that a
// byte of it stands at Pos plus its offset; Pos is diag.NoPos for predefined ones.
type Define struct {
	Name   string
	Text   string
	Pos    diag.Pos
	Span   diag.Span // of its name where it's defined
	Func   bool      // function-like, with Params
	Params []string

	body []token
}

// Reader reads the C texts of a compilation in their order. Macros and open #ifs last
// from one text to the next.
type Reader struct {
	opt     Options
	rep     *diag.Reporter
	macros  map[string]*Define
	conds   []condition
	once    map[string]bool // files with #pragma once
	pending []token         // since the last directive, macros not yet expanded
	out     []token         // preprocessed
	depth   int             // of #include
	growth  int             // tokens that the macros of the text being expanded have become
}

// condition is an open #if.
type condition struct {
	at     diag.Span
	active bool // this branch is taken
	done   bool // some branch was taken, or none may be
	els    bool // #else was seen
	word   string
	wrong  token // a directive in it that may have been meant to end it; kind eof: none
}

// maxInclude bounds the nesting of #include.
const maxInclude = 64

// NewReader returns a reader that reports to rep.
func NewReader(opt Options, rep *diag.Reporter) *Reader {
	r := &Reader{opt: opt, rep: rep, macros: map[string]*Define{}, once: map[string]bool{}}
	if opt.HaveBTF {
		r.predefine("BPFTRACE_HAVE_BTF", "1")
	}
	return r
}

func (r *Reader) predefine(name, text string) {
	s := scanner{text: text}
	var body []token
	for t := s.next(); t.kind != eof; t = s.next() {
		body = append(body, t)
	}
	r.macros[name] = &Define{Name: name, Text: text, body: body}
}

// Text reads C text that stands at a position; dir is where its quoted includes are
// looked for first.
func (r *Reader) Text(text string, at diag.Pos, dir string) {
	s := &scanner{text: text, base: at}
	for {
		t := s.next()
		switch {
		case t.kind == eof:
			r.flush()
			return
		case t.bol && t.is("#"):
			r.flush()
			r.directive(s, dir)
		case r.active():
			r.pending = append(r.pending, t)
		}
	}
}

// Include reads a header as #include "name" at a place of the script in dir would.
func (r *Reader) Include(name string, at diag.Span, dir string) {
	r.include(name, at, true, dir)
}

// flush expands the macros of what was read since the last directive.
func (r *Reader) flush() {
	r.out = append(r.out, r.expandText(r.pending, nil)...)
	r.pending = r.pending[:0]
}

// active reports whether all open #ifs take the branch we're in.
func (r *Reader) active() bool {
	return len(r.conds) == 0 || r.conds[len(r.conds)-1].active
}

// systemDirs begin the names of headers whose types BTF has.
var systemDirs = []string{
	"linux/", "net/", "asm/", "asm-generic/", "uapi/", "scsi/", "sound/", "trace/", "crypto/", "vdso/",
	"rdma/", "drm/", "media/", "xen/", "acpi/", "kvm/", "soc/", "video/", "ras/", "keys/", "kunit/",
	"target/", "pcmcia/", "memory/", "misc/", "mtd/", "bpf/", "sys/", "netinet/", "arpa/", "bits/", "dt-bindings/",
	"../fs/", "../kernel/", "../mm/", "../net/", "../drivers/",
}

// libcHeaders are the C library's headers in no directory that are of use in a script.
var libcHeaders = map[string]bool{
	"errno.h": true, "fcntl.h": true, "limits.h": true, "netdb.h": true, "pthread.h": true, "sched.h": true,
	"signal.h": true, "stdbool.h": true, "stddef.h": true, "stdint.h": true, "stdio.h": true, "stdlib.h": true,
	"string.h": true, "syscall.h": true, "time.h": true, "unistd.h": true, "inttypes.h": true, "vmlinux.h": true,
}

// include reads a header, or notes that a system's one is asked for.
func (r *Reader) include(name string, at diag.Span, quoted bool, dir string) {
	if r.depth >= maxInclude {
		r.rep.Errorf(diag.CodeCHeader, at, "headers include one another more than %d deep", maxInclude)
		return
	}
	for _, path := range r.candidates(name, quoted, dir) {
		if r.opt.ReadFile == nil {
			break
		}
		text, err := r.opt.ReadFile(path)
		if err != nil {
			continue
		}
		if !r.once[path] {
			src := r.rep.Sources.Add(path, string(text))
			r.depth++
			r.Text(src.Text, src.Base(), filepath.Dir(path))
			r.depth--
		}
		return
	}
	if isSystem(name) {
		for _, c := range constantsOf(name, r.opt.Arch) {
			if r.macros[c.name] == nil {
				r.predefine(c.name, c.text)
			}
		}
		return
	}
	d := r.rep.Errorf(diag.CodeCHeader, at, "header `%s` not found", name)
	if quoted {
		d.Note("looked for beside the script and in the directories of -I")
	} else {
		d.Note("looked for in the directories of -I; the types of the kernel's headers come from BTF")
	}
}

// candidates are the paths a header may have.
func (r *Reader) candidates(name string, quoted bool, dir string) []string {
	if filepath.IsAbs(name) {
		return []string{name}
	}
	var out []string
	if quoted {
		out = append(out, filepath.Join(dir, name))
	}
	for _, d := range r.opt.Dirs {
		out = append(out, filepath.Join(d, name))
	}
	return out
}

// isSystem reports whether the header is one of the kernel or the C library.
func isSystem(name string) bool {
	for _, d := range systemDirs {
		if strings.HasPrefix(name, d) {
			return true
		}
	}
	return libcHeaders[name]
}
