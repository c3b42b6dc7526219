// Package srcline tells where in the source an address of a binary comes from: file, line,
// and the functions that were inlined there. It reads DWARF 2 to 5, split DWARF included,
// and the tables of the Go runtime.
//
// It reads no file: whoever asks gives the sections. What it decodes for an address is the
// compilation unit of that address alone, which is why it isn't built on debug/dwarf, whose
// New decodes the abbreviations of all units: for the price of that, a large program's first
// address takes tenths of a second and hundreds of megabytes.
package srcline

import (
	"encoding/binary"
	"slices"
	"sort"
)

// Frame is a place in the source.
type Frame struct {
	// Func is the linkage name of the function that was inlined; "" in the last frame,
	// whose function is the one that the symbol table has at the address.
	Func string
	// Path is as the compiler wrote it; "": unknown.
	Path string
	Line int
}

// Config is a file with debug information.
type Config struct {
	Order    binary.ByteOrder
	Sections Sections
	// Split opens a .dwo file by DW_AT_dwo_name and DW_AT_comp_dir; Package opens the
	// .dwp of the file, Supplement the file of .gnu_debugaltlink. Nil, or a nil result:
	// there's none.
	Split               func(name, compDir string) Sections
	Package, Supplement func() Sections
}

// Reader answers for one file. One goroutine uses it.
type Reader struct {
	cfg     Config
	main    *image
	pkg     *dwp
	spans   []span // by low
	indexed bool
	cache   *Cache
}

// New reads nothing yet. Readers may share a cache.
func New(cfg Config, cache *Cache) *Reader {
	return &Reader{cfg: cfg, main: newImage(cfg.Order, cfg.Sections, cfg.Supplement), cache: cache}
}

// Frames is where an address, as the file's own headers have it, comes from: the innermost
// inlined function first, the function itself last. Without debug information about it
// there are none.
func (r *Reader) Frames(addr uint64) []Frame {
	r.index()
	i := sort.Search(len(r.spans), func(i int) bool { return r.spans[i].low > addr }) - 1
	for n := 0; i >= 0 && n < maxBack; i, n = i-1, n+1 {
		if addr >= r.spans[i].high {
			continue
		}
		c := r.code(r.spans[i].unit)
		before := c.weight
		frames := c.frames(addr)
		r.cache.weight += c.weight - before
		if len(frames) > 0 {
			return frames
		}
	}
	return nil
}

// maxBack bounds the search for a unit around an address that starts far before it.
const maxBack = 64

// code is what was decoded of a unit.
type code struct {
	unit   *unit // of the DIEs: of a split unit that of the .dwo file
	funcs  []function
	lines  *lineTable
	weight int
}

// function is a range of a function, by low.
type function struct {
	low, high uint64
	off       int // of its DIE
	calls     []call
	known     bool // calls were read
}

// call is a function that was inlined, with a range of it.
type call struct {
	low, high  uint64
	off        int    // of its DIE
	depth      uint32 // 0: into the function itself
	file, line uint32 // of the call
}

// code decodes the unit at an offset.
func (r *Reader) code(off int) *code {
	key := cacheKey{r, off}
	if c := r.cache.get(key); c != nil {
		return c
	}
	c := &code{lines: &lineTable{}}
	if u, ok := r.main.unit(off); ok {
		c.unit = u
		c.lines = u.lines()
		if split := r.split(u); split != nil {
			c.unit = split
		}
		c.funcs = c.unit.functions()
	}
	c.weight = len(c.funcs)*64 + len(c.lines.rows)*16 + len(c.lines.files)*64 + 1024
	r.cache.put(key, c)
	return c
}

func (c *code) frames(addr uint64) []Frame {
	file, line, known := c.lines.find(addr)
	calls := c.callsAt(addr)
	if !known && len(calls) == 0 {
		return nil
	}
	at := Frame{Path: c.lines.path(file), Line: line}
	frames := make([]Frame, 0, len(calls)+1)
	for _, call := range slices.Backward(calls) {
		at.Func = c.unit.nameAt(call.off)
		frames = append(frames, at)
		at = Frame{Path: c.lines.path(uint64(call.file)), Line: int(call.line)}
	}
	return append(frames, at)
}

// callsAt are the calls around an address that were inlined, the outermost first.
func (c *code) callsAt(addr uint64) []call {
	i := sort.Search(len(c.funcs), func(i int) bool { return c.funcs[i].low > addr }) - 1
	if i < 0 || addr >= c.funcs[i].high {
		return nil
	}
	fn := &c.funcs[i]
	if !fn.known {
		fn.calls, fn.known = c.unit.calls(fn.off), true
		c.weight += len(fn.calls) * 40
	}
	var chain []call
	for _, k := range fn.calls {
		if k.low <= addr && addr < k.high && int(k.depth) <= len(chain) {
			chain = append(chain[:k.depth], k)
		}
	}
	return chain
}

// Cache bounds what readers keep of what they decoded. The zero value is ready.
type Cache struct {
	units  map[cacheKey]*code
	weight int
}

type cacheKey struct {
	reader *Reader
	off    int
}

// maxWeight is about how many bytes of decoded units are kept.
const maxWeight = 48 << 20

func (c *Cache) get(key cacheKey) *code { return c.units[key] }

func (c *Cache) put(key cacheKey, u *code) {
	c.weight += u.weight
	if c.units == nil || c.weight > maxWeight {
		c.units, c.weight = map[cacheKey]*code{}, u.weight
	}
	c.units[key] = u
}

// Drop forgets what was decoded for a reader, whose sections may then be given back.
func (c *Cache) Drop(r *Reader) {
	for key, u := range c.units {
		if key.reader == r {
			c.weight -= u.weight
			delete(c.units, key)
		}
	}
}
