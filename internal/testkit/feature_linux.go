package testkit

import (
	"os"
	"unsafe"

	"github.com/skep-bpf/skep/internal/host/kern"
	"github.com/skep-bpf/skep/internal/host/sys"
)

// Of enum bpf_prog_type and enum bpf_attach_type (include/uapi/linux/bpf.h).
const (
	progTypeKprobe    = 2
	progTypeTracing   = 26
	attachFentry      = 24
	attachKprobeMulti = 42
)

// fentry attaches an empty program to a function that every kernel has.
func fentry() string {
	k := kern.New(os.DirFS("/"))
	defer k.Close()
	btf, err := k.BTF()
	if err != nil {
		return err.Error()
	}
	fn, ok := btf.Find("vfs_read", kern.KindFunc)
	if !ok {
		return "the BTF has no vfs_read"
	}
	insns := [2][8]byte{{0xb7}, {0x95}} // r0 = 0; exit
	license := []byte("GPL\x00")
	prog, err := sys.ProgLoad(&sys.ProgLoadAttr{
		Type: progTypeTracing, ExpectedAttachType: attachFentry, AttachBTFID: uint32(fn.ID),
		Insns: unsafe.Pointer(&insns), InsnCnt: 2, License: unsafe.Pointer(&license[0]),
	})
	if err != nil {
		return "load: " + err.Error()
	}
	defer sys.Close(prog)
	link, err := sys.RawTracepointOpen("", prog)
	if err != nil {
		return "attach: " + err.Error()
	}
	sys.Close(link)
	return ""
}

// tracefs is mounted, or can be reached as skep does it.
func tracefs() string {
	why := File("/sys/kernel/tracing/events/sched").Missing()
	if why == "" {
		return ""
	}
	_, mount, err := sys.OpenTracefs()
	if err != nil {
		return why + "; " + err.Error()
	}
	mount.Close()
	return ""
}

func watchpoint() string {
	if err := sys.TryWatchpoint(); err != nil {
		return err.Error()
	}
	return ""
}

// kprobeMulti attaches an empty program to a function that every kernel has.
func kprobeMulti() string {
	insns := [2][8]byte{{0xb7}, {0x95}} // r0 = 0; exit
	license := []byte("GPL\x00")
	prog, err := sys.ProgLoad(&sys.ProgLoadAttr{
		Type: progTypeKprobe, ExpectedAttachType: attachKprobeMulti,
		Insns: unsafe.Pointer(&insns), InsnCnt: 2, License: unsafe.Pointer(&license[0]),
	})
	if err != nil {
		return "load: " + err.Error()
	}
	defer sys.Close(prog)
	link, err := sys.LinkKprobeMulti(prog, attachKprobeMulti, &sys.KprobeMulti{Syms: []string{"vfs_read"}})
	if err != nil {
		return "attach: " + err.Error()
	}
	sys.Close(link)
	return ""
}
