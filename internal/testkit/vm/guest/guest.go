// Package guest is what the two sides of a virtual machine agree on.
package guest

// Setup tells the guest's init what to do.
type Setup struct {
	Args      []string
	Env       []string
	Dir       string
	Modules   []string // files of drivers, to load in this order
	Disk      bool     // /dev/vda holds ext4, to be mounted at /scratch
	Artefacts bool     // what the command leaves in ArtefactDir is to be sent back
}

// SetupFile is where the initramfs holds the Setup, in JSON.
const SetupFile = "/setup.json"

// ArtefactDir is the folder whose content comes back when it's asked for.
const ArtefactDir = "/artefacts"

// The guest's serial ports, by their numbers.
const (
	PortOut = iota + 1
	PortErr
	PortStatus    // "exit CODE"
	PortArtefacts // a tar archive
)

// A pair of Ethernet devices leads from the guest's first network namespace to another.
const (
	NetnsFile = "/run/netns/peer" // for setns(2)
	NearDev   = "veth0"           // in the first namespace
	FarDev    = "veth1"           // in the other
	NearAddr  = "192.0.2.1/24"
	FarAddr   = "192.0.2.2/24"
)
