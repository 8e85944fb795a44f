// Goverify checks a log, and makes one, with the code of Go's checksum database (golang.org/x/mod/sumdb): an
// implementation that shares nothing with doorward.
//
//	goverify check DIR VKEY [OLDSIZE OLDROOT]
//	goverify make DIR NAME SIZE
//
// It is built from Debian's packages without a network:
//
//	GO111MODULE=off GOPATH=/usr/share/gocode go build
package main

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const width = 256

// mlDSALine is the length of a cosignature of ML-DSA-44: a key id, a time and a signature.
const mlDSALine = 4 + 8 + 2420

func main() {
	if len(os.Args) >= 4 && os.Args[1] == "check" {
		say(check(os.Args[2], os.Args[3], os.Args[4:]))
	} else if len(os.Args) == 5 && os.Args[1] == "make" {
		size, err := strconv.ParseInt(os.Args[4], 10, 64)
		fail(err)
		say(makeLog(os.Args[2], os.Args[3], size))
	} else {
		fail(fmt.Errorf("usage: goverify check DIR VKEY [OLDSIZE OLDROOT] | goverify make DIR NAME SIZE"))
	}
}

func say(text string, err error) {
	fail(err)
	fmt.Println(text)
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "goverify:", err)
		os.Exit(1)
	}
}

// reader reads tiles as C2SP names them: without the height that the checksum database has in its paths.
type reader struct{ dir string }

func (r reader) Height() int { return 8 }

func (r reader) SaveTiles([]tlog.Tile, [][]byte) {}

func (r reader) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range tiles {
		data, err := os.ReadFile(filepath.Join(r.dir, path(tile)))
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}

func path(tile tlog.Tile) string {
	own := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
	return strings.Replace(own, "tile/data/", "tile/entries/", 1)
}

func readCheckpoint(dir, vkey string) (tlog.Tree, error) {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return tlog.Tree{}, err
	}
	raw, err := os.ReadFile(filepath.Join(dir, "checkpoint"))
	if err != nil {
		return tlog.Tree{}, err
	}
	opened, err := note.Open(raw, note.VerifierList(verifier))
	if err != nil {
		return tlog.Tree{}, err
	}
	for _, one := range opened.UnverifiedSigs {
		line, err := base64.StdEncoding.DecodeString(one.Base64)
		if err == nil && len(line) == mlDSALine {
			fmt.Printf("not checked: a line of %q, as long as a cosignature of ML-DSA-44\n", one.Name)
		}
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != verifier.Name() {
		return tlog.Tree{}, fmt.Errorf("not a checkpoint of %s", verifier.Name())
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return tlog.Tree{}, err
	}
	root, err := tlog.ParseHash(lines[2])
	return tlog.Tree{N: size, Hash: root}, err
}

// check reads every bundle, and proves each leaf's hash through the tiles; then inclusion and consistency.
func check(dir, vkey string, old []string) (string, error) {
	tree, err := readCheckpoint(dir, vkey)
	if err != nil {
		return "", err
	}
	hashes := tlog.TileHashReader(tree, reader{dir})
	for first := int64(0); first < tree.N; first += width {
		entries, err := readBundle(dir, first, tree.N)
		if err != nil {
			return "", err
		}
		var indexes []int64
		for at := range entries {
			indexes = append(indexes, tlog.StoredHashIndex(0, first+int64(at)))
		}
		stored, err := hashes.ReadHashes(indexes) // verifies them against the root
		if err != nil {
			return "", err
		}
		for at, entry := range entries {
			if tlog.RecordHash(entry) != stored[at] {
				return "", fmt.Errorf("leaf %d is not the one that was signed", first+int64(at))
			}
		}
		proof, err := tlog.ProveRecord(tree.N, first, hashes)
		if err != nil {
			return "", err
		}
		if err := tlog.CheckRecord(proof, tree.N, tree.Hash, first, stored[0]); err != nil {
			return "", err
		}
	}
	if len(old) == 2 {
		if err := checkOld(tree, hashes, old); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("%d leaves hold", tree.N), nil
}

func checkOld(tree tlog.Tree, hashes tlog.HashReader, old []string) error {
	size, err := strconv.ParseInt(old[0], 10, 64)
	if err != nil {
		return err
	}
	root, err := tlog.ParseHash(old[1])
	if err != nil {
		return err
	}
	proof, err := tlog.ProveTree(tree.N, size, hashes)
	if err != nil {
		return err
	}
	return tlog.CheckTree(proof, tree.N, tree.Hash, size, root)
}

func readBundle(dir string, first, size int64) ([][]byte, error) {
	count := size - first
	if count > width {
		count = width
	}
	tile := tlog.Tile{H: 8, L: -1, N: first / width, W: int(count)}
	data, err := os.ReadFile(filepath.Join(dir, path(tile)))
	if err != nil {
		return nil, err
	}
	var entries [][]byte
	for len(data) > 0 {
		if len(data) < 2 || len(data) < 2+int(binary.BigEndian.Uint16(data)) {
			return nil, fmt.Errorf("%s is cut short", path(tile))
		}
		end := 2 + int(binary.BigEndian.Uint16(data))
		entries = append(entries, data[2:end])
		data = data[end:]
	}
	if int64(len(entries)) != count {
		return nil, fmt.Errorf("%s has %d entries, expected %d", path(tile), len(entries), count)
	}
	return entries, nil
}

// makeLog writes a log of invented entries with a key of this program, and returns its verifier key.
func makeLog(dir, name string, size int64) (string, error) {
	seed := sha256.Sum256([]byte("doorward interoperation"))
	skey, vkey, err := note.GenerateKey(strings.NewReader(string(seed[:])+string(seed[:])), name)
	if err != nil {
		return "", err
	}
	var stored []tlog.Hash
	hashes := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var found []tlog.Hash
		for _, index := range indexes {
			found = append(found, stored[index])
		}
		return found, nil
	})
	var bundle []byte
	for index := int64(0); index < size; index++ {
		entry := []byte(fmt.Sprintf("entry %d of another program\n", index))
		added, err := tlog.StoredHashes(index, entry, hashes)
		if err != nil {
			return "", err
		}
		stored = append(stored, added...)
		bundle = binary.BigEndian.AppendUint16(bundle, uint16(len(entry)))
		bundle = append(bundle, entry...)
		if (index+1)%width == 0 || index+1 == size {
			tile := tlog.Tile{H: 8, L: -1, N: index / width, W: int(index%width) + 1}
			if err := write(dir, path(tile), bundle); err != nil {
				return "", err
			}
			bundle = nil
		}
	}
	for _, tile := range tlog.NewTiles(8, 0, size) {
		data, err := tlog.ReadTileData(tile, hashes)
		if err != nil {
			return "", err
		}
		if err := write(dir, path(tile), data); err != nil {
			return "", err
		}
	}
	return vkey, sign(dir, name, skey, size, hashes)
}

func sign(dir, name, skey string, size int64, hashes tlog.HashReader) error {
	root, err := tlog.TreeHash(size, hashes)
	if err != nil {
		return err
	}
	signer, err := note.NewSigner(skey)
	if err != nil {
		return err
	}
	text := fmt.Sprintf("%s\n%d\n%s\n", name, size, base64.StdEncoding.EncodeToString(root[:]))
	signed, err := note.Sign(&note.Note{Text: text}, signer)
	if err != nil {
		return err
	}
	return write(dir, "checkpoint", signed)
}

func write(dir, name string, data []byte) error {
	file := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, data, 0o644)
}
