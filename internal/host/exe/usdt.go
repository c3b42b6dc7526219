package exe

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
)

// USDT is a static probe that a binary declares: a note of .note.stapsdt.
type USDT struct {
	Provider, Name string
	Args           string // where its arguments are: "4@%edi -8@8(%rsp)"; symbols are numbers, see usdtsym.go
	FileOff        uint64 // of its nop
	Semaphore      uint64 // file offset of the counter that turns it on; 0: it has none
}

// noteSTAPSDT is the type of the notes (sys/sdt.h).
const noteSTAPSDT = 3

// USDTs are the binary's static probes in the notes' order. A probe that was
// inlined at several places comes once for each.
func (f *File) USDTs() []USDT {
	sec := f.ELF.Section(".note.stapsdt")
	if sec == nil {
		return nil
	}
	var base uint64
	if s := f.ELF.Section(".stapsdt.base"); s != nil {
		base = s.Addr
	}
	var found []USDT
	for n := range notes(f.section(sec), f.ELF.ByteOrder) {
		if n.name == "stapsdt" && n.kind == noteSTAPSDT {
			if u, ok := f.usdt(n.desc, base); ok {
				found = append(found, u)
			}
		}
	}
	return found
}

// usdt reads a note: the addresses of the nop, of .stapsdt.base when the binary was linked,
// and of the semaphore, then provider, name and arguments as C strings. base is where
// .stapsdt.base is now: prelink moves it, and the rest with it.
func (f *File) usdt(desc []byte, base uint64) (u USDT, ok bool) {
	word := 8
	if f.ELF.Class == elf.ELFCLASS32 {
		word = 4
	}
	if len(desc) < 3*word {
		return u, false
	}
	pc, was, sem := address(f.ELF.ByteOrder, desc, word), address(f.ELF.ByteOrder, desc[word:], word),
		address(f.ELF.ByteOrder, desc[2*word:], word)
	texts := bytes.SplitN(desc[3*word:], []byte{0}, 4)
	if len(texts) < 3 {
		return u, false
	}
	if base != 0 && was != 0 {
		pc += base - was
		if sem != 0 {
			sem += base - was
		}
	}
	u.Provider, u.Name, u.Args = string(texts[0]), string(texts[1]), f.usdtSymbols(string(texts[2]), pc)
	if u.FileOff, ok = f.Offset(pc); !ok {
		return u, false
	}
	if sem != 0 {
		if u.Semaphore, ok = f.dataOffset(sem); !ok {
			return u, false
		}
	}
	return u, true
}

func address(order binary.ByteOrder, b []byte, word int) uint64 {
	if word == 4 {
		return uint64(order.Uint32(b))
	}
	return order.Uint64(b)
}

// dataOffset is Offset for any segment.
func (f *File) dataOffset(addr uint64) (uint64, bool) {
	for _, p := range f.ELF.Progs {
		if p.Type == elf.PT_LOAD && addr >= p.Vaddr && addr-p.Vaddr < p.Filesz {
			return addr - p.Vaddr + p.Off, true
		}
	}
	return 0, false
}
