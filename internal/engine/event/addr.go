package event

import (
	"fmt"
	"net/netip"
)

// Address families (include/linux/socket.h).
const (
	afInet  = 2
	afInet6 = 10
)

// inet prints an address as inet_ntop(3) does; "" for another family.
func inet(family uint32, addr []byte) string {
	switch family {
	case afInet:
		return netip.AddrFrom4([4]byte(addr)).String()
	case afInet6:
		return inet6([16]byte(addr))
	}
	return ""
}

// inet6 differs from netip in the addresses ::a.b.c.d with a or b set, whose last 32
// bits inet_ntop writes as an IPv4 address.
func inet6(a [16]byte) string {
	if [12]byte(a[:12]) == [12]byte{} && (a[12] != 0 || a[13] != 0) {
		return "::" + netip.AddrFrom4([4]byte(a[12:])).String()
	}
	return netip.AddrFrom16(a).String()
}

func mac(b []byte) string {
	return fmt.Sprintf("%02X:%02X:%02X:%02X:%02X:%02X", b[0], b[1], b[2], b[3], b[4], b[5])
}
