package inspect

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/skep-bpf/skep/internal/bpf/isa"
	"github.com/skep-bpf/skep/internal/host/sys"
)

// By system calls a program takes five: its id, a descriptor, its description, a file of
// /proc with its memory, and closing that. An iterator of the kernel walks over all programs
// and describes each with a record; thousands take a few reads. What a record has no room
// for, or what is told by a function of the kernel's and not by a member, is asked for by
// system calls: the record says `ask` then. (Maps and links have no such iterator: the
// memory of a map and what a link is attached to are told by functions.)

// A record is on the program's stack from recordAt on, and is written in three parts: its
// head, its maps' ids, its long name. Their members' places:
const (
	recID       = 0   // u32
	recType     = 4   // u32
	recXlated   = 8   // u32 instructions
	recJited    = 12  // u32
	recUID      = 16  // u32
	recBTF      = 20  // u32
	recMaps     = 24  // u32, how many
	recPages    = 28  // u16
	recFlags    = 30  // u8 with the bit gpl_compatible, see progOffsets.gplBit
	recAsk      = 31  // u8
	recTag      = 32  // u64
	recLoaded   = 40  // u64
	recVerified = 48  // u32
	recAttach   = 52  // u32 type id
	recAttachTo = 56  // u32 BTF object
	recMapFlags = 60  // u32, of all maps together
	recRuns     = 64  // u64 cnt, nsecs, misses
	recShort    = 88  // u8[16], the name as the kernel cuts it
	recNameLen  = 104 // u32, of the long name with its NUL; 0: there's none
	recHead     = 112
	recMapIDs   = recHead // u32 for each of recordMaps
	recName     = recMapIDs + 4*recordMaps

	recordMaps  = 16
	recordName  = 128 // as bpftool's longest
	recordSize  = recName + recordName
	recordAt    = -recordSize
	statsAt     = recordAt - 8          // the address of the program's counters
	scratchAt   = statsAt - scratchSize // addresses of maps, counters of a CPU
	scratchSize = 8 * recordMaps
	mapAt       = scratchAt - mapSpan // a map, from the first member that's read on
	mapSpan     = 48
)

// ksymPrefix begins the name of a program's machine code: "bpf_prog_TAG_", then its own name
// in full (bpf_prog_ksym_set_name, kernel/bpf/core.c).
const ksymPrefix = len("bpf_prog_") + 16 + len("_")

// progOffsets are members' offsets that the iterator reads.
type progOffsets struct {
	ctx                                                                    iterContext
	prog                                                                   uint32 // of struct bpf_iter__bpf_prog
	typ, len, jitedLen, pages, tag, stats, aux                             uint32 // of struct bpf_prog
	gpl, gplBit                                                            uint32 // byte and bit
	id, maps, mapCount, user, btf, attachBTF, attachType, loaded, verified uint32 // of bpf_prog_aux
	funcs, offload, ksym, name                                             uint32
	uid, btfID, mapID, mapFlags, cnt, nsecs, misses, copies                uint32
	cpus                                                                   int
}

func (r *Reader) progOffsets() (*progOffsets, error) {
	btf, err := r.kernel.BTF()
	if err != nil {
		return nil, err
	}
	l := newLayout(btf)
	o := &progOffsets{
		ctx: l.context("bpf_iter__bpf_prog"), prog: l.off("bpf_iter__bpf_prog", "prog"),
		typ: l.off("bpf_prog", "type"), len: l.off("bpf_prog", "len"), jitedLen: l.off("bpf_prog", "jited_len"),
		pages: l.off("bpf_prog", "pages"), tag: l.off("bpf_prog", "tag"), stats: l.off("bpf_prog", "stats"),
		aux: l.off("bpf_prog", "aux"), gpl: l.off("bpf_prog", "gpl_compatible"), gplBit: l.bit("bpf_prog", "gpl_compatible") % 8,
		id: l.off("bpf_prog_aux", "id"), maps: l.off("bpf_prog_aux", "used_maps"), mapCount: l.off("bpf_prog_aux", "used_map_cnt"),
		user: l.off("bpf_prog_aux", "user"), btf: l.off("bpf_prog_aux", "btf"), attachBTF: l.off("bpf_prog_aux", "attach_btf"),
		attachType: l.off("bpf_prog_aux", "attach_btf_id"), loaded: l.off("bpf_prog_aux", "load_time"),
		verified: l.off("bpf_prog_aux", "verified_insns"), funcs: l.off("bpf_prog_aux", "func_cnt"),
		offload: l.off("bpf_prog_aux", "offload"), ksym: l.off("bpf_prog_aux", "ksym") + l.off("bpf_ksym", "name"),
		name: l.off("bpf_prog_aux", "name"), uid: l.off("user_struct", "uid"), btfID: l.off("btf", "id"), mapID: l.off("bpf_map", "id"), mapFlags: l.off("bpf_map", "map_flags"),

		cnt: l.off("bpf_prog_stats", "cnt"), nsecs: l.off("bpf_prog_stats", "nsecs"), misses: l.off("bpf_prog_stats", "misses"),
		copies: l.off("bpf_array", "pptrs"),
	}
	if l.err != nil {
		return nil, l.err
	}
	if max(o.mapID, o.mapFlags)-min(o.mapID, o.mapFlags) > mapSpan-4 {
		return nil, fmt.Errorf("read maps' ids and flags together: %w", errors.ErrUnsupported)
	}
	o.cpus, err = r.CPUs()
	return o, err
}

// progMaps are the descriptors of the iterator's maps: one with a u64 for each CPU, and an
// array whose element has a u64 for each CPU.
type progMaps struct{ percpu, distances int }

// program describes each program by a record. r6 is the context, r7 the struct bpf_prog, r8
// its aux, r9 counts.
func (o *progOffsets) program(m progMaps) *assembly {
	a := newAssembly()
	a.add(isa.Mov(isa.R6, isa.R1), isa.Load(isa.SizeDW, isa.R7, isa.R6, int16(o.prog)))
	a.jump(isa.JumpIfImm(isa.JmpJEQ, isa.R7, 0, 0), "out")
	a.add(isa.Load(isa.SizeDW, isa.R8, isa.R7, int16(o.aux)))
	a.jump(isa.JumpIfImm(isa.JmpJEQ, isa.R8, 0, 0), "out")
	for at := int16(recordAt); at < 0; at += 8 {
		a.add(isa.StoreImm(isa.SizeDW, isa.R10, at, 0))
	}
	for _, m := range []struct {
		to   int16
		size uint8
		from isa.Reg
		off  uint32
	}{
		{recID, isa.SizeW, isa.R8, o.id}, {recType, isa.SizeW, isa.R7, o.typ}, {recXlated, isa.SizeW, isa.R7, o.len},
		{recJited, isa.SizeW, isa.R7, o.jitedLen}, {recMaps, isa.SizeW, isa.R8, o.mapCount}, {recPages, isa.SizeH, isa.R7, o.pages},
		{recFlags, isa.SizeB, isa.R7, o.gpl}, {recTag, isa.SizeDW, isa.R7, o.tag}, {recLoaded, isa.SizeDW, isa.R8, o.loaded},
		{recVerified, isa.SizeW, isa.R8, o.verified}, {recAttach, isa.SizeW, isa.R8, o.attachType},
		{recShort, isa.SizeDW, isa.R8, o.name}, {recShort + 8, isa.SizeDW, isa.R8, o.name + 8},
	} {
		a.add(isa.Load(m.size, isa.R1, m.from, int16(m.off)), isa.Store(m.size, isa.R10, recordAt+m.to, isa.R1))
	}
	// Of an object that isn't there, the kernel makes 0 of the member.
	for _, m := range []struct {
		to          int16
		object, off uint32
	}{{recUID, o.user, o.uid}, {recBTF, o.btf, o.btfID}, {recAttachTo, o.attachBTF, o.btfID}} {
		a.add(isa.Load(isa.SizeDW, isa.R1, isa.R8, int16(m.object)), isa.Load(isa.SizeW, isa.R1, isa.R1, int16(m.off)),
			isa.Store(isa.SizeW, isa.R10, recordAt+m.to, isa.R1))
	}
	o.ask(a)
	o.longName(a)
	o.distances(a, m)
	o.counters(a, m)
	o.mapIDs(a)
	a.seq(o.ctx, isa.R7)
	a.add(isa.Mov(isa.R1, isa.R7), isa.MovImm(isa.R3, recHead))
	a.seqWrite(recordAt)
	a.add(isa.Load(isa.SizeW, isa.R3, isa.R10, recordAt+recMaps))
	a.jump(isa.JumpIfImm(isa.JmpJGT, isa.R3, recordMaps, 0), "listed")
	a.add(isa.Mov(isa.R1, isa.R7), isa.ALUImm(isa.AluLSH, isa.R3, 2))
	a.seqWrite(recordAt + recMapIDs)
	a.label("listed")
	a.add(isa.Load(isa.SizeW, isa.R3, isa.R10, recordAt+recNameLen))
	a.jump(isa.JumpIfImm(isa.JmpJGT, isa.R3, recordName, 0), "out")
	a.add(isa.Mov(isa.R1, isa.R7))
	a.seqWrite(recordAt + recName)
	a.label("out")
	a.add(isa.MovImm(isa.R0, 0), isa.Exit())
	return a
}

// longName reads a name that the kernel has cut.
func (o *progOffsets) longName(a *assembly) {
	a.add(isa.Load(isa.SizeB, isa.R1, isa.R10, recordAt+recShort+objNameLen-1))
	a.jump(isa.JumpIfImm(isa.JmpJEQ, isa.R1, 0, 0), "named")
	a.readKernelText(recordAt+recName, recordName, isa.R8, o.ksym+uint32(ksymPrefix))
	a.jump(isa.JumpIfImm(isa.JmpJSLT, isa.R0, 0, 0), "named")
	a.add(isa.Store(isa.SizeW, isa.R10, recordAt+recNameLen, isa.R0))
	a.label("named")
}

// ask marks programs that a record doesn't describe: those of several functions (their code
// is the functions'), those for devices, and those that attach to programs.
func (o *progOffsets) ask(a *assembly) {
	a.add(isa.Load(isa.SizeW, isa.R1, isa.R8, int16(o.funcs)))
	a.jump(isa.JumpIfImm(isa.JmpJNE, isa.R1, 0, 0), "ask")
	a.add(isa.Load(isa.SizeDW, isa.R1, isa.R8, int16(o.offload)))
	a.jump(isa.JumpIfImm(isa.JmpJNE, isa.R1, 0, 0), "ask")
	a.add(isa.Load(isa.SizeW, isa.R1, isa.R10, recordAt+recAttach))
	a.jump(isa.JumpIfImm(isa.JmpJEQ, isa.R1, 0, 0), "described")
	a.add(isa.Load(isa.SizeDW, isa.R1, isa.R8, int16(o.attachBTF)))
	a.jump(isa.JumpIfImm(isa.JmpJNE, isa.R1, 0, 0), "described")
	a.label("ask")
	a.add(isa.StoreImm(isa.SizeB, isa.R10, recordAt+recAsk, 1))
	a.label("described")
}

// distances finds how far each CPU's copies are from the variables' addresses, at the first
// program. That's the same for all variables, and a map of skep's own shows it: the kernel
// gives the address of a CPU's element, and the map has that of the element.
func (o *progOffsets) distances(a *assembly, m progMaps) {
	const base, pointer, key = scratchAt, scratchAt + 8, scratchAt + 16
	own := isa.LoadPseudo(isa.R1, isa.PseudoMapFD, int64(m.percpu))
	a.add(isa.Load(isa.SizeDW, isa.R1, isa.R6, int16(o.ctx.meta)), isa.Load(isa.SizeDW, isa.R1, isa.R1, int16(o.ctx.seqNum)))
	a.jump(isa.JumpIfImm(isa.JmpJNE, isa.R1, 0, 0), "measured")
	a.add(own)
	a.number(isa.R1, base)
	a.add(isa.Load(isa.SizeDW, isa.R3, isa.R10, base))
	a.readKernel(base, 8, isa.R3, o.copies)
	a.add(isa.MovImm(isa.R9, 0))
	a.label("measure")
	a.add(isa.StoreImm(isa.SizeW, isa.R10, key, 0), own, isa.Mov(isa.R2, isa.R10), isa.ALUImm(isa.AluADD, isa.R2, key),
		isa.Mov(isa.R3, isa.R9), isa.Call(helperMapLookupPerCPU))
	a.jump(isa.JumpIfImm(isa.JmpJEQ, isa.R0, 0, 0), "measured")
	a.number(isa.R0, pointer)
	a.distance(m)
	a.add(isa.Load(isa.SizeDW, isa.R2, isa.R10, pointer), isa.Load(isa.SizeDW, isa.R3, isa.R10, base),
		isa.ALU(isa.AluSUB, isa.R2, isa.R3), isa.Store(isa.SizeDW, isa.R1, 0, isa.R2), isa.ALUImm(isa.AluADD, isa.R9, 1))
	a.jump(isa.JumpIfImm(isa.JmpJLT, isa.R9, int32(o.cpus), 0), "measure")
	a.label("measured")
}

// distance makes r1 point to the distance of the CPU in r9.
func (a *assembly) distance(m progMaps) {
	a.add(isa.LoadPseudo(isa.R1, isa.PseudoMapValue, int64(uint32(m.distances))), isa.Mov(isa.R2, isa.R9),
		isa.ALUImm(isa.AluLSH, isa.R2, 3), isa.ALU(isa.AluADD, isa.R1, isa.R2))
}

// counters adds up what the CPUs counted.
func (o *progOffsets) counters(a *assembly, m progMaps) {
	a.readKernel(statsAt, 8, isa.R7, o.stats)
	a.add(isa.MovImm(isa.R9, 0))
	a.label("cpu")
	a.distance(m)
	a.add(isa.Load(isa.SizeDW, isa.R3, isa.R1, 0))
	a.jump(isa.JumpIfImm(isa.JmpJEQ, isa.R3, 0, 0), "counted") // there's no such CPU
	a.add(isa.Load(isa.SizeDW, isa.R1, isa.R10, statsAt), isa.ALU(isa.AluADD, isa.R3, isa.R1))
	a.readKernel(scratchAt, int32(max(o.cnt, o.nsecs, o.misses)+8), isa.R3, 0)
	for i, off := range []uint32{o.cnt, o.nsecs, o.misses} {
		to := int16(recordAt + recRuns + 8*i)
		a.add(isa.Load(isa.SizeDW, isa.R1, isa.R10, scratchAt+int16(off)), isa.Load(isa.SizeDW, isa.R2, isa.R10, to),
			isa.ALU(isa.AluADD, isa.R2, isa.R1), isa.Store(isa.SizeDW, isa.R10, to, isa.R2))
	}
	a.add(isa.ALUImm(isa.AluADD, isa.R9, 1))
	a.jump(isa.JumpIfImm(isa.JmpJLT, isa.R9, int32(o.cpus), 0), "cpu")
	a.label("counted")
}

// mapIDs reads the ids of the first maps, and their flags, which stand close together. When
// there are more, the reader asks. r8 has the flags of all then.
func (o *progOffsets) mapIDs(a *assembly) {
	first := min(o.mapID, o.mapFlags)
	id, flags := mapAt+int16(o.mapID-first), mapAt+int16(o.mapFlags-first)
	a.add(isa.Load(isa.SizeW, isa.R9, isa.R10, recordAt+recMaps))
	a.jump(isa.JumpIfImm(isa.JmpJEQ, isa.R9, 0, 0), "maps")
	a.jump(isa.JumpIfImm(isa.JmpJGT, isa.R9, recordMaps, 0), "maps")
	a.add(isa.Load(isa.SizeDW, isa.R3, isa.R8, int16(o.maps)), isa.Mov(isa.R2, isa.R9), isa.ALUImm(isa.AluLSH, isa.R2, 3),
		isa.Mov(isa.R1, isa.R10), isa.ALUImm(isa.AluADD, isa.R1, scratchAt), isa.Call(helperProbeReadKernel), isa.MovImm(isa.R8, 0))
	for i := range recordMaps {
		if i > 0 {
			a.jump(isa.JumpIfImm(isa.JmpJLE, isa.R9, int32(i), 0), "read")
		}
		a.add(isa.Load(isa.SizeDW, isa.R3, isa.R10, int16(scratchAt+8*i)))
		a.readKernel(mapAt, int32(max(o.mapID, o.mapFlags)+4-first), isa.R3, first)
		a.add(isa.Load(isa.SizeW, isa.R1, isa.R10, id), isa.Store(isa.SizeW, isa.R10, int16(recordAt+recMapIDs+4*i), isa.R1),
			isa.Load(isa.SizeW, isa.R1, isa.R10, flags), isa.ALU(isa.AluOR, isa.R8, isa.R1))
	}
	a.label("read")
	a.add(isa.Store(isa.SizeW, isa.R10, recordAt+recMapFlags, isa.R8))
	a.label("maps")
}

// iterateProgs calls f with each loaded program until it returns false; skep's own for walks
// are left out. f may have the Prog until it returns: the next is in its place.
func (r *Reader) iterateProgs(f func(*Prog, error) bool) (err error) {
	o, err := r.progOffsets()
	if err != nil {
		return err
	}
	var m progMaps
	if m.percpu, err = r.newScratch(mapPercpuArray, 8); err != nil {
		return err
	}
	defer sys.Close(m.percpu)
	if m.distances, err = r.newScratch(mapArray, uint32(8*o.cpus)); err != nil {
		return err
	}
	defer sys.Close(m.distances)
	it, err := r.loadIterator("bpf_prog", o.program(m), 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	var records [][]byte
	err = it.run(func(data []byte) (taken int) {
		for len(data)-taken >= recHead {
			n := recordLen(data[taken:])
			if n > len(data)-taken {
				break
			}
			taken += n
		}
		records = append(records, bytes.Clone(data[:taken]))
		return taken
	})
	if err != nil {
		return err
	}
	p := new(Prog)
	for _, data := range records {
		for len(data) > 0 {
			rec := data[:recordLen(data)]
			data = data[len(rec):]
			id := binary.NativeEndian.Uint32(rec)
			if r.own.has(KindProg, id) {
				continue
			}
			told, err := p, error(nil)
			if !r.fromRecord(p, rec, o) {
				told, err = r.Prog(id)
			}
			if !errors.Is(err, ErrGone) && !f(told, err) {
				return nil
			}
		}
	}
	return nil
}

// recordLen is the length of the record that data begins with.
func recordLen(data []byte) int {
	n := recHead + int(binary.NativeEndian.Uint32(data[recNameLen:]))
	if maps := int(binary.NativeEndian.Uint32(data[recMaps:])); maps <= recordMaps {
		n += 4 * maps
	}
	return n
}

// fromRecord makes p the program that a record describes; false: it's to be asked for. So it
// is when its name is cut and its code has none: without a JIT, and in the moment of its load.
func (r *Reader) fromRecord(p *Prog, rec []byte, o *progOffsets) bool {
	u32 := func(at int) uint32 { return binary.NativeEndian.Uint32(rec[at:]) }
	u64 := func(at int) uint64 { return binary.NativeEndian.Uint64(rec[at:]) }
	n := int(u32(recMaps))
	if rec[recAsk] != 0 || n > recordMaps {
		return false
	}
	name := cString(rec[recShort:recNameLen])
	if len(name) == objNameLen {
		if name = cString(rec[recMapIDs+4*n:]); name == "" {
			return false
		}
	}
	*p = Prog{
		ID: u32(recID), Type: u32(recType), Tag: [8]byte(rec[recTag:]), GPL: rec[recFlags]>>o.gplBit&1 != 0,
		RunCount: u64(recRuns), RunTime: time.Duration(u64(recRuns + 8)), RecursionMisses: u64(recRuns + 16),
		UID: u32(recUID), XlatedLen: u32(recXlated) * isa.SlotSize, JitedLen: u32(recJited),
		Memlock: int64(binary.NativeEndian.Uint16(rec[recPages:])) * int64(os.Getpagesize()), BTF: u32(recBTF),
		VerifiedInsns: u32(recVerified), AttachBTFObj: u32(recAttachTo), AttachBTF: u32(recAttach), Funcs: 1,
		Name: name, Maps: p.Maps[:0], NoData: u32(recMapFlags)&readOnlyForPrograms == 0,
	}
	for i := range n {
		p.Maps = append(p.Maps, u32(recMapIDs+4*i))
	}
	r.loadedAt(p, u64(recLoaded))
	return true
}
