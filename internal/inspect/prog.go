package inspect

import (
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"time"

	"github.com/skep-bpf/skep/internal/host/kern"
	"github.com/skep-bpf/skep/internal/host/sys"
)

// Prog describes a loaded program.
type Prog struct {
	ID              uint32
	Type            uint32 // ProgTypes
	Name            string // in full, when its BTF tells
	Tag             [8]byte
	GPL             bool
	RunTime         time.Duration // all runs together, counted while statistics are on
	RunCount        uint64
	RecursionMisses uint64
	LoadedAt        time.Time
	UID             uint32
	Orphaned        bool // its device is gone
	XlatedLen       uint32
	JitedLen        uint32 // 0: it isn't jited
	Memlock         int64  // bytes; -1: not told
	Maps            []uint32
	NoData          bool   // none of the maps is read-only data; false: not looked at
	BTF             uint32 // id; 0: none
	Ifindex         uint32 // of the device that it's offloaded to
	NetnsDev        uint64
	NetnsIno        uint64
	VerifiedInsns   uint32
	AttachBTFObj    uint32 // the BTF object (and type in it) of what it attaches to
	AttachBTF       uint32
	Funcs           uint32  // of the jited functions
	Missing         []error // fields that the kernel or a permission didn't give
}

// TypeName is the program type's name.
func (p *Prog) TypeName() string { s, _ := TypeName(ProgTypes, p.Type); return s }

// Clone is a copy that remains.
func (p *Prog) Clone() *Prog {
	q := *p
	q.Maps = slices.Clone(p.Maps)
	return &q
}

// TagText is the tag in hexadecimal.
func (p *Prog) TagText() string { return hex.EncodeToString(p.Tag[:]) }

// Progs yields all loaded programs by id: from the kernel's iterator, or where that isn't to
// be had by system calls. A Prog is good until the next one; who keeps it clones it.
func (r *Reader) Progs() iter.Seq2[*Prog, error] {
	return func(yield func(*Prog, error) bool) {
		some := false
		err := r.iterateProgs(func(p *Prog, err error) bool {
			some = true
			return yield(p, err)
		})
		switch {
		case err == nil:
		case some:
			yield(nil, &listError{KindProg, err})
		default:
			each(r, KindProg, r.ProgByFD)(yield)
		}
	}
}

// Prog describes the program with an id. The error wraps ErrGone when there's none.
func (r *Reader) Prog(id uint32) (*Prog, error) { return byID(KindProg, id, r.ProgByFD) }

// someMaps is room for the maps of most programs.
const someMaps = 64

// ProgByFD describes the program that a descriptor is of.
func (r *Reader) ProgByFD(fd int) (*Prog, error) {
	ask := sys.ProgArrays{Maps: r.mapIDs[:]}
	info, err := sys.ProgInfoWith(fd, &ask)
	if err == nil && int(info.NrMapIDs) > len(ask.Maps) {
		ask.Maps = make([]uint32, info.NrMapIDs)
		info, err = sys.ProgInfoWith(fd, &ask)
	}
	orphaned := errors.Is(err, sys.ENODEV)
	if err != nil && !orphaned {
		return nil, fmt.Errorf("read program: %w", err)
	}
	p := &Prog{
		ID: info.ID, Type: info.Type, Name: cString(info.Name[:]), Tag: info.Tag, GPL: info.GPL&1 != 0,
		RunTime: time.Duration(info.RunTimeNS), RunCount: info.RunCnt, RecursionMisses: info.RecursionMisses,
		UID: info.UID, Orphaned: orphaned, XlatedLen: info.XlatedLen, JitedLen: info.JitedLen,
		Maps: slices.Clone(ask.Maps[:min(int(info.NrMapIDs), len(ask.Maps))]), BTF: info.BTFID, Ifindex: info.Ifindex,
		NetnsDev: info.NetnsDev, NetnsIno: info.NetnsIno, VerifiedInsns: info.VerifiedInsns,
		AttachBTFObj: info.AttachObj, AttachBTF: info.AttachBTFID, Funcs: info.NrFuncLens, Memlock: -1,
	}
	r.loadedAt(p, info.LoadTime)
	r.fullName(fd, info, p)
	if err := r.progMemlock(fd, p); err != nil {
		p.Missing = append(p.Missing, err)
	}
	return p, nil
}

func (r *Reader) loadedAt(p *Prog, sinceBoot uint64) {
	if sinceBoot == 0 {
		return
	}
	if r.boot == 0 {
		boot, err := sys.BootTime()
		if err != nil {
			p.Missing = append(p.Missing, err)
			return
		}
		r.boot = boot
	}
	p.LoadedAt = time.Unix(0, r.boot+int64(sinceBoot))
}

func (r *Reader) progMemlock(fd int, p *Prog) error {
	info, err := r.fdinfo(fd)
	if err != nil {
		return fmt.Errorf("read memory of program %d: %w", p.ID, err)
	}
	if n, err := strconv.ParseInt(info.field("memlock"), 10, 64); err == nil {
		p.Memlock = n
	}
	return nil
}

// objNameLen is the longest name that the kernel keeps of an object (BPF_OBJ_NAME_LEN - 1).
const objNameLen = 15

// fullName takes a name that the kernel may have cut from the program's BTF.
func (r *Reader) fullName(fd int, info *sys.ProgInfo, p *Prog) {
	if len(p.Name) < objNameLen || info.BTFID == 0 || info.NrFuncInfo == 0 {
		return
	}
	ids, err := sys.ProgFuncs(fd, info)
	if err != nil || len(ids) == 0 {
		p.Missing = append(p.Missing, fmt.Errorf("read full name of program %d: %w", p.ID, err))
		return
	}
	b, err := r.Types(info.BTFID)
	if err != nil {
		p.Missing = append(p.Missing, fmt.Errorf("read full name of program %d: %w", p.ID, err))
		return
	}
	if t := b.Type(kern.TypeID(ids[0])); t.Kind() == kern.KindFunc {
		p.Name = t.Name()
	}
}
