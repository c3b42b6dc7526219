package cli

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/skep-bpf/skep/internal/host/sys"
	"github.com/skep-bpf/skep/internal/inspect"
)

// elemWords are the words behind a map: a key, a value, a condition.
type elemWords struct {
	key, value []byte
	flags      uint64
	given      map[string]bool
	holds      *inspect.Object // the map or program that is the value, open until it's stored
}

func (e *elemWords) Close() error {
	if e.holds != nil {
		return e.holds.Close()
	}
	return nil
}

// bytes reads n bytes, one a word: decimal, octal or hexadecimal with 0 or 0x as C has
// them; behind "hex" all are hexadecimal. A single word of 2n digits is all of them.
func (b *bpfRun) bytes(what string, n uint32) ([]byte, error) {
	base := 0
	if b.more() && isWord(b.words[0], "hex") {
		base, b.words = 16, b.words[1:]
	}
	out := make([]byte, n)
	if base == 16 && n > 1 && b.more() && len(b.words[0]) == int(2*n) {
		if parsed, err := hexWords(b.words[0]); err == nil {
			b.words = b.words[1:]
			return parsed, nil
		}
	}
	for i := range out {
		if !b.more() {
			return nil, usagef("%s has %d bytes, and %d were given", what, n, i)
		}
		v, err := strconv.ParseUint(strings.TrimPrefix(b.words[0], map[bool]string{true: "0x"}[base == 16]), base, 8)
		if err != nil {
			return nil, usagef("%s has %d bytes; byte %d can't be %q", what, n, i+1, b.words[0])
		}
		out[i] = byte(v)
		b.words = b.words[1:]
	}
	return out, nil
}

func hexWords(s string) ([]byte, error) {
	out := make([]byte, len(s)/2)
	for i := range out {
		v, err := strconv.ParseUint(s[2*i:2*i+2], 16, 8)
		if err != nil {
			return nil, err
		}
		out[i] = byte(v)
	}
	return out, nil
}

// element reads "key …", and, where an element is set, "value …" and a condition, in any order.
func (b *bpfRun) element(m *inspect.Map, set bool) (*elemWords, error) {
	e := &elemWords{given: map[string]bool{}}
	for b.more() {
		var word string
		var err error
		switch {
		case m.KeySize == 0 && b.take("key"):
			err = usagef("this map has no keys")
		case b.take("key"):
			word = "key"
			e.key, err = b.bytes("a key of this map", m.KeySize)
		case !set:
			err = b.unexpected("key")
		case b.take("value"):
			word = "value"
			err = b.value(m, e)
		case b.take("any"):
			word = "a condition"
		case b.take("exist"):
			word, e.flags = "a condition", sys.MapExist
		case b.take("noexist"):
			word, e.flags = "a condition", sys.MapNoExist
		default:
			err = b.unexpected("key", "value", "any", "exist", "noexist")
		}
		if err == nil && e.given[word] {
			err = usagef("%s is given twice", word)
		}
		if err != nil {
			return nil, errors.Join(err, e.Close())
		}
		e.given[word] = true
	}
	return e, nil
}

// value reads a value: bytes, or the map or program whose descriptor it is.
func (b *bpfRun) value(m *inspect.Map, e *elemWords) (err error) {
	switch {
	case m.OfMaps():
		e.holds, err = b.one(inspect.KindMap, true)
	case m.OfProgs():
		e.holds, err = b.one(inspect.KindProg, false)
	default:
		if e.value, err = b.bytes("a value of this map", m.ValueSize); err != nil {
			return err
		}
		return b.allCPUs(m, e)
	}
	if err != nil {
		return err
	}
	e.value = make([]byte, m.ValueSize)
	if len(e.value) < 4 {
		return fmt.Errorf("set element: the map's values have %d bytes, not the 4 of a descriptor", m.ValueSize)
	}
	binary.NativeEndian.PutUint32(e.value, uint32(e.holds.FD))
	return nil
}

// allCPUs gives all CPUs the value.
func (b *bpfRun) allCPUs(m *inspect.Map, e *elemWords) error {
	n, err := b.reader.ValueLen(m)
	if err != nil || !m.PerCPU() {
		return err
	}
	one := e.value
	e.value = make([]byte, n)
	for at := 0; at < n; at += int(m.ValueSize+7) &^ 7 {
		copy(e.value[at:], one)
	}
	return nil
}

// withMap opens the map that the words tell, reads the element's words and does f; set: it's
// the verb that sets elements.
func (b *bpfRun) withMap(write, set bool, f func(o *inspect.Object, m *inspect.Map, e *elemWords) error) error {
	o, err := b.one(inspect.KindMap, write)
	if err != nil {
		return err
	}
	m, err := b.reader.MapByFD(o.FD)
	if err != nil {
		return errors.Join(err, o.Close())
	}
	e, err := b.element(m, set)
	if err != nil {
		return errors.Join(err, o.Close())
	}
	return errors.Join(f(o, m, e), e.Close(), o.Close())
}

// wants checks which of key and value were given.
func (e *elemWords) wants(m *inspect.Map, key, value bool) error {
	for _, w := range []struct {
		name string
		want bool
		size uint32
	}{{"key", key, m.KeySize}, {"value", value, m.ValueSize}} {
		switch {
		case w.want && w.size > 0 && !e.given[w.name]:
			return usagef("the %s is missing", w.name)
		case !w.want && e.given[w.name]:
			return usagef("a %s isn't needed here", w.name)
		}
	}
	return nil
}

func mapUpdate(b *bpfRun) error {
	pinned := b.more() && isWord(b.words[0], "pinned")
	return b.withMap(true, true, func(o *inspect.Object, m *inspect.Map, e *elemWords) error {
		if err := e.wants(m, true, true); err != nil {
			return err
		}
		if err := sys.MapUpdateFlags(o.FD, e.key, e.value, e.flags); err != nil {
			return fmt.Errorf("set element of map %d: %w", m.ID, err)
		}
		if m.OfProgs() && !pinned {
			b.lacking([]error{fmt.Errorf("map %d loses its programs when the last process and pin that hold it go", m.ID)})
		}
		b.null()
		return nil
	})
}

func mapLookup(b *bpfRun) error {
	return b.withMap(false, false, func(o *inspect.Object, m *inspect.Map, e *elemWords) error {
		if err := e.wants(m, true, false); err != nil {
			return err
		}
		n, err := b.reader.ValueLen(m)
		if err != nil {
			return err
		}
		value := make([]byte, n)
		if err := sys.MapLookup(o.FD, e.key, value); err != nil {
			return b.noElement(m, e.key, fmt.Errorf("look up element of map %d: %w", m.ID, err))
		}
		return b.printElement(m, e.key, value)
	})
}

// noElement tells that there's no such element, in bpftool's words; the status tells it too.
func (b *bpfRun) noElement(m *inspect.Map, key []byte, err error) error {
	if !errors.Is(err, sys.ENOENT) {
		return err
	}
	switch {
	case b.out.JSON != nil:
		b.null()
	case m.KeySize == 0:
		fmt.Fprintln(b.out.Text, "Error: empty map")
	default:
		b.out.KeyBlock("key", key)
		fmt.Fprint(b.out.Text, "\nNot found\n")
	}
	return exit(exitError)
}

func (b *bpfRun) printElement(m *inspect.Map, key, value []byte) error {
	e, err := b.out.NewEntries(m)
	if err != nil {
		return err
	}
	e.Element(key, value)
	return e.Close()
}

func mapPop(b *bpfRun) error {
	return b.withMap(true, false, func(o *inspect.Object, m *inspect.Map, e *elemWords) error {
		if err := e.wants(m, false, false); err != nil {
			return err
		}
		value := make([]byte, m.ValueSize)
		if err := sys.MapLookupDelete(o.FD, nil, value); err != nil {
			return b.noElement(m, nil, fmt.Errorf("take element of map %d: %w", m.ID, err))
		}
		return b.printElement(m, nil, value)
	})
}

func mapGetNext(b *bpfRun) error {
	return b.withMap(false, false, func(o *inspect.Object, m *inspect.Map, e *elemWords) error {
		if err := e.wants(m, e.given["key"], false); err != nil {
			return err
		}
		next := make([]byte, m.KeySize)
		if err := sys.MapNextKey(o.FD, e.key, next); err != nil {
			return fmt.Errorf("find next key of map %d: %w", m.ID, err)
		}
		b.open("{")
		switch {
		case e.key != nil:
			b.out.KeyBlock("key", e.key)
		case b.out.JSON != nil:
			b.out.JSON.Member("key", nil)
		default:
			fmt.Fprintln(b.out.Text, "key: None")
		}
		b.out.KeyBlock("next_key", next)
		b.end("}")
		return nil
	})
}

func mapDelete(b *bpfRun) error {
	return b.withMap(true, false, func(o *inspect.Object, m *inspect.Map, e *elemWords) error {
		if err := e.wants(m, true, false); err != nil {
			return err
		}
		if err := sys.MapDelete(o.FD, e.key); err != nil {
			return fmt.Errorf("delete element of map %d: %w", m.ID, err)
		}
		b.null()
		return nil
	})
}

func mapFreeze(b *bpfRun) error {
	return b.withMap(true, false, func(o *inspect.Object, m *inspect.Map, e *elemWords) error {
		if err := e.wants(m, false, false); err != nil {
			return err
		}
		if err := sys.MapFreeze(o.FD); err != nil {
			return fmt.Errorf("freeze map %d: %w", m.ID, err)
		}
		b.null()
		return nil
	})
}
