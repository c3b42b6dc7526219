package sys

import (
	"encoding/binary"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Netlink message types and flags of the route family (include/uapi/linux/rtnetlink.h).
const (
	RTMGetLink    = unix.RTM_GETLINK
	RTMSetLink    = unix.RTM_SETLINK
	RTMGetQdisc   = unix.RTM_GETQDISC
	RTMGetTClass  = unix.RTM_GETTCLASS
	RTMGetTFilter = unix.RTM_GETTFILTER
)

// Netlink is a socket of the route family. One goroutine uses it.
type Netlink struct {
	fd  int
	seq uint32
	buf []byte
}

// OpenNetlink opens a socket in this process's network namespace. Close frees it.
func OpenNetlink() (*Netlink, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	return &Netlink{fd: fd, buf: make([]byte, 1<<16)}, nil
}

// Close closes the socket.
func (n *Netlink) Close() error { return unix.Close(n.fd) }

// Dump asks for all objects of a type and calls f with each answer's payload.
func (n *Netlink) Dump(typ uint16, payload []byte, f func(payload []byte) error) error {
	return n.talk(typ, unix.NLM_F_REQUEST|unix.NLM_F_DUMP, payload, f)
}

// Do sends a request that only an acknowledgement answers.
func (n *Netlink) Do(typ uint16, payload []byte) error {
	return n.talk(typ, unix.NLM_F_REQUEST|unix.NLM_F_ACK, payload, nil)
}

// headerLen is the size of struct nlmsghdr.
const headerLen = unix.NLMSG_HDRLEN

func (n *Netlink) talk(typ, flags uint16, payload []byte, f func([]byte) error) error {
	n.seq++
	msg := make([]byte, headerLen, headerLen+len(payload))
	binary.NativeEndian.PutUint32(msg, uint32(headerLen+len(payload)))
	binary.NativeEndian.PutUint16(msg[4:], typ)
	binary.NativeEndian.PutUint16(msg[6:], flags)
	binary.NativeEndian.PutUint32(msg[8:], n.seq)
	msg = append(msg, payload...)
	if err := unix.Sendto(n.fd, msg, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return os.NewSyscallError("sendto", err)
	}
	for {
		got, _, err := unix.Recvfrom(n.fd, n.buf, 0)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return os.NewSyscallError("recvfrom", err)
		}
		done, err := n.answers(n.buf[:got], f)
		if done || err != nil {
			return err
		}
	}
}

// answers goes through the messages of a datagram; done: the last has come.
func (n *Netlink) answers(b []byte, f func([]byte) error) (done bool, err error) {
	for len(b) >= headerLen {
		size := int(binary.NativeEndian.Uint32(b))
		if size < headerLen || size > len(b) {
			return true, fmt.Errorf("read netlink message: %d bytes of %d", size, len(b))
		}
		body := b[headerLen:size]
		seq := binary.NativeEndian.Uint32(b[8:])
		switch typ := binary.NativeEndian.Uint16(b[4:]); {
		case seq != n.seq:
		case typ == unix.NLMSG_ERROR:
			if len(body) >= 4 {
				if errno := int32(binary.NativeEndian.Uint32(body)); errno != 0 {
					return true, Errno(-errno)
				}
			}
			return true, nil
		case typ == unix.NLMSG_DONE:
			return true, nil
		case f != nil:
			if err := f(body); err != nil {
				return true, err
			}
		}
		b = b[min(len(b), (size+3)&^3):]
	}
	return false, nil
}

// NetlinkAttrs calls f with each attribute of b: its type without flags, and its value.
func NetlinkAttrs(b []byte, f func(typ uint16, value []byte)) {
	for len(b) >= unix.SizeofNlAttr {
		size := int(binary.NativeEndian.Uint16(b))
		if size < unix.SizeofNlAttr || size > len(b) {
			return
		}
		f(binary.NativeEndian.Uint16(b[2:])&^(unix.NLA_F_NESTED|unix.NLA_F_NET_BYTEORDER), b[unix.SizeofNlAttr:size])
		b = b[min(len(b), (size+3)&^3):]
	}
}

// NetlinkAttr is an attribute as it's sent.
func NetlinkAttr(typ uint16, value []byte) []byte {
	size := unix.SizeofNlAttr + len(value)
	out := make([]byte, (size+3)&^3)
	binary.NativeEndian.PutUint16(out, uint16(size))
	binary.NativeEndian.PutUint16(out[2:], typ)
	copy(out[unix.SizeofNlAttr:], value)
	return out
}

// NetlinkNested marks an attribute that holds others.
const NetlinkNested = unix.NLA_F_NESTED
