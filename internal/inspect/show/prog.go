package show

import (
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/skep-bpf/skep/internal/inspect"
)

// Prog prints a program's description.
func (p *Printer) Prog(g *inspect.Prog) {
	if p.JSON != nil {
		p.progJSON(g)
		return
	}
	p.ProgHeader(g)
	if !g.LoadedAt.IsZero() {
		p.words("\tloaded_at ", p.moment(g.LoadedAt))
		p.number("  uid ", uint64(g.UID))
		p.words("\n")
	}
	p.number("\txlated ", uint64(g.XlatedLen))
	if g.JitedLen > 0 {
		p.number("B  jited ", uint64(g.JitedLen))
		p.words("B")
	} else {
		p.words("B  not jited")
	}
	if g.Memlock >= 0 {
		p.number("  memlock ", uint64(g.Memlock))
		p.words("B")
	}
	if g.Orphaned {
		p.words("  orphaned")
	}
	sep := "  map_ids "
	for _, id := range g.Maps {
		p.number(sep, uint64(id))
		sep = ","
	}
	p.references(inspect.KindProg, g.ID, false)
	if g.BTF != 0 {
		p.number("\n\tbtf_id ", uint64(g.BTF))
	}
	p.owners(inspect.KindProg, g.ID)
	p.words("\n")
	p.flush()
	p.metadata(g)
}

// ProgHeader prints a program's first line.
func (p *Printer) ProgHeader(g *inspect.Prog) {
	p.number("", uint64(g.ID))
	p.words(": ", typeWord(inspect.ProgTypes, g.Type), "  ")
	if g.Name != "" {
		p.words("name ", g.Name, "  ")
	}
	p.words("tag ")
	p.line = hex.AppendEncode(p.line, g.Tag[:])
	p.offload(g.Ifindex, g.NetnsDev, g.NetnsIno)
	if g.GPL {
		p.words("  gpl")
	}
	if g.RunTime > 0 {
		p.number(" run_time_ns ", uint64(g.RunTime))
		p.number(" run_cnt ", g.RunCount)
	}
	if g.RecursionMisses > 0 {
		p.number(" recursion_misses ", g.RecursionMisses)
	}
	p.words("\n")
	p.flush()
}

func (p *Printer) progJSON(g *inspect.Prog) {
	j := p.JSON
	j.Open("{")
	p.ProgHeaderJSON(g)
	p.offload(g.Ifindex, g.NetnsDev, g.NetnsIno)
	if !g.LoadedAt.IsZero() {
		j.Member("loaded_at", g.LoadedAt.Unix())
		j.Member("uid", g.UID)
	}
	j.Member("orphaned", g.Orphaned)
	j.Member("bytes_xlated", g.XlatedLen)
	j.Member("jited", g.JitedLen > 0)
	if g.JitedLen > 0 {
		j.Member("bytes_jited", g.JitedLen)
	}
	if g.Memlock >= 0 {
		j.Member("bytes_memlock", g.Memlock)
	}
	if len(g.Maps) > 0 {
		j.Member("map_ids", g.Maps)
	}
	if g.BTF != 0 {
		j.Member("btf_id", g.BTF)
	}
	p.references(inspect.KindProg, g.ID, true)
	p.metadata(g)
	j.End("}")
}

// ProgHeaderJSON writes a program's first members.
func (p *Printer) ProgHeaderJSON(g *inspect.Prog) {
	j := p.JSON
	j.Member("id", g.ID)
	typeMember(j, "type", inspect.ProgTypes, g.Type)
	if g.Name != "" {
		j.Member("name", g.Name)
	}
	j.Member("tag", g.TagText())
	j.Member("gpl_compatible", g.GPL)
	if g.RunTime > 0 {
		j.Member("run_time_ns", g.RunTime.Nanoseconds())
		j.Member("run_cnt", g.RunCount)
	}
	if g.RecursionMisses > 0 {
		j.Member("recursion_misses", g.RecursionMisses)
	}
}

// offload writes the device that an object is offloaded to.
func (p *Printer) offload(ifindex uint32, dev, ino uint64) {
	if ifindex == 0 {
		return
	}
	if j := p.JSON; j != nil {
		j.Name("dev")
		j.Open("{")
		j.Member("ifindex", ifindex)
		j.Member("ns_dev", dev)
		j.Member("ns_inode", ino)
		j.Member("ifname", p.device(ifindex))
		j.End("}")
		return
	}
	p.printf("  offloaded_to %s ns_dev %d ns_inode %d", p.device(ifindex), dev, ino)
}

func ids(list []uint32) string {
	words := make([]string, len(list))
	for i, id := range list {
		words[i] = strconv.FormatUint(uint64(id), 10)
	}
	return strings.Join(words, ",")
}
