package inspect

import (
	"encoding/binary"
	"reflect"
	"testing"

	"github.com/skep-bpf/skep/internal/host/sys"
)

func word(n uint32) []byte { return binary.NativeEndian.AppendUint32(nil, n) }

func attrs(list ...[]byte) (out []byte) {
	for _, a := range list {
		out = append(out, a...)
	}
	return out
}

func TestParseXDP(t *testing.T) {
	l := netLink{"eth0", 3}
	for _, c := range []struct {
		in   []byte
		want XDP
		ok   bool
	}{
		{attrs(sys.NetlinkAttr(xdpAttached, []byte{xdpNone})), XDP{"eth0", 3, nil, false}, false},
		{attrs(sys.NetlinkAttr(xdpAttached, []byte{xdpDriver}), sys.NetlinkAttr(xdpProgID, word(7))), XDP{"eth0", 3, []XDPProg{{"driver", 7}}, false}, true},
		{attrs(sys.NetlinkAttr(xdpAttached, []byte{xdpMulti}), sys.NetlinkAttr(xdpSkbID, word(8)), sys.NetlinkAttr(xdpHwID, word(9))),
			XDP{"eth0", 3, []XDPProg{{"generic", 8}, {"offload", 9}}, true}, true},
		{[]byte{9, 0, 1}, XDP{"eth0", 3, nil, false}, false},         // cut off
		{[]byte{200, 0, 2, 0, 1}, XDP{"eth0", 3, nil, false}, false}, // longer than there is
	} {
		got, ok := parseXDP(l, c.in)
		if ok != c.ok || !reflect.DeepEqual(got, c.want) {
			t.Errorf("% x: %+v %v, want %+v %v", c.in, got, ok, c.want, c.ok)
		}
	}
}

func TestParseFilter(t *testing.T) {
	act := attrs(sys.NetlinkAttr(tcaActKind, []byte("bpf\x00")), sys.NetlinkAttr(tcaActOptions, attrs(sys.NetlinkAttr(tcaActBPFName, []byte("a\x00")), sys.NetlinkAttr(tcaActBPFID, word(12)))))
	options := attrs(sys.NetlinkAttr(tcaBPFName, []byte("x.o:[tc]\x00")), sys.NetlinkAttr(tcaBPFID, word(11)), sys.NetlinkAttr(tcaBPFAct, sys.NetlinkAttr(1, act)))
	msg := append(tcmsg(3, handleIngress), attrs(sys.NetlinkAttr(tcaKind, []byte("bpf\x00")), sys.NetlinkAttr(tcaOptions, options))...)
	got, ok := parseFilter(msg, netLink{"eth0", 3}, "clsact/ingress")
	want := TC{Device: "eth0", Ifindex: 3, Kind: "clsact/ingress", Name: "x.o:[tc]", ID: 11, Actions: []TCAction{{"a", 12}}}
	if !ok || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v %v, want %+v", got, ok, want)
	}
	if _, ok := parseFilter(append(tcmsg(3, 0), sys.NetlinkAttr(tcaKind, []byte("u32\x00"))...), netLink{}, ""); ok {
		t.Error("a filter of another kind counts as one of BPF")
	}
}
