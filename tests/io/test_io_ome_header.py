"""What a new file says of the source's metadata: all that is sound, and a note of the rest."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import ome_types
import pytest
import tifffile

from napari_dualgland.io import read, write
from napari_dualgland.io.ome_source import notes_on_header, sound_header
from napari_dualgland.provenance import Provenance
from napari_dualgland.results import Imputation
from napari_dualgland.stack import Channel, Header, Stack

SOUND = """<?xml version="1.0" encoding="latin-1"?>
<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">
<Experimenter ID="Experimenter:0" LastName="Müller"/>
<Instrument ID="Instrument:0"><Microscope Manufacturer="Leica"/>
<Detector ID="Detector:0" Gain="2"/>
<Objective ID="Objective:0" NominalMagnification="63" WorkingDistance="3" WorkingDistanceUnit="mm"/>
</Instrument>
<Image ID="Image:0" Name="a"><AcquisitionDate>2020-01-02T03:04:05</AcquisitionDate>
<Description>said</Description><InstrumentRef ID="Instrument:0"/>
<ObjectiveSettings ID="Objective:0" RefractiveIndex="1.5"/>
<Pixels ID="Pixels:0" DimensionOrder="XYCZT" Type="uint8" SizeX="9" SizeY="8" SizeZ="1" SizeC="2"
 SizeT="1" PhysicalSizeX="0.1" PhysicalSizeXUnit="µm">
<Channel ID="Channel:0" Name="b" SamplesPerPixel="1" EmissionWavelength="500"
 EmissionWavelengthUnit="nm"/>
<Channel ID="Channel:1" Name="c" SamplesPerPixel="1"/>
<TiffData/>
<Plane TheC="0" TheZ="0" TheT="0" ExposureTime="2" ExposureTimeUnit="s" PositionX="5"/>
</Pixels></Image>
<StructuredAnnotations><LongAnnotation ID="Annotation:0"><Value>7</Value></LongAnnotation>
<CommentAnnotation ID="Annotation:1"><Value>said</Value></CommentAnnotation>
</StructuredAnnotations></OME>"""

# What is changed, and what alone may be missed for it.
ODD = {
    "unit of the objective": ('WorkingDistanceUnit="mm"', 'WorkingDistanceUnit="µ"'),
    "magnification": ('NominalMagnification="63"', 'NominalMagnification="63x"'),
    "pixel unit": ('PhysicalSizeXUnit="µm"', 'PhysicalSizeXUnit="bananas"'),
    "pixel size": ('PhysicalSizeX="0.1"', 'PhysicalSizeX="unknown"'),
    "pixel type": ('Type="uint8"', 'Type="uint12"'),
    "order": ('DimensionOrder="XYCZT"', 'DimensionOrder="CXY"'),
    "date": ("2020-01-02T03:04:05", "yesterday"),
    "wavelength unit": ('EmissionWavelengthUnit="nm"', 'EmissionWavelengthUnit="light"'),
    "exposure unit": ('ExposureTimeUnit="s"', 'ExposureTimeUnit="blink"'),
    "plane": ('TheC="0" TheZ="0"', 'TheC="first"'),
    "annotation": ("<Value>7</Value>", "<Value>seven</Value>"),
    "element": ("<Instrument ", "<Own a='1'><More/></Own><Instrument "),
    "two at once": ('Gain="2"', 'Gain="high" Voltage="low"'),
}
KEPT = ("Müller", "Leica", "2020-01-02", "1.5", "500", "said", "63")
LOST = {"date": ["2020-01-02"], "magnification": ["63"]}


def stack(xml: str) -> Stack:
    channels = (Channel("b", "nucleus"), Channel("c", "er"))
    pixels = np.zeros((2, 8, 9), np.uint8)
    return Stack(pixels, "CYX", channels, name="a", header=Header(ome_xml=xml))


def written(xml: str, path) -> str:
    """Return the OME-XML of a file that was written from a source with this one; it is valid."""
    with tifffile.TiffFile(write(stack(xml), path)) as tif:
        said = tif.ome_metadata
    pytest.importorskip("lxml")
    ome_types.from_xml(said, validate=True)
    return said


def test_a_sound_header_is_kept_without_a_word(tmp_path):
    said = written(SOUND, tmp_path / "a.ome.tif")
    assert [word for word in KEPT if word not in said] == []
    assert notes_on_header(stack(SOUND)) == ()


@pytest.mark.parametrize("odd", ODD)
def test_one_odd_word_costs_itself_alone(tmp_path, odd):
    assert ODD[odd][0] in SOUND
    xml = SOUND.replace(*ODD[odd])
    said = written(xml, tmp_path / "a.ome.tif")
    assert [word for word in KEPT if word not in said] == LOST.get(odd, [])
    # What the new file says anew anyhow is not worth a note.
    told = "pixel" not in odd and odd != "order"
    assert len(notes_on_header(stack(xml))) == told
    assert len(sound_header(xml)[1]) == (2 if odd == "two at once" else told)


def test_many_odd_words_at_once(tmp_path):
    xml = SOUND
    for change in ODD.values():
        xml = xml.replace(*change)
    said = written(xml, tmp_path / "a.ome.tif")
    assert [word for word in KEPT if word not in said] == ["2020-01-02", "63"]


@pytest.mark.parametrize("xml", ["<OME", "<html/>", "no xml at all"])
def test_what_is_no_header_is_noted(tmp_path, xml):
    written(xml, tmp_path / "a.ome.tif")
    assert len(notes_on_header(stack(xml))) == 1


@pytest.mark.parametrize("kind", ["Channel", "Annotation", "Detector"])
def test_ids_that_are_there_twice_become_unique(tmp_path, kind):
    first, second = f'ID="{kind}:0"', f'ID="{kind}:1"'
    xml = SOUND.replace("<Objective ", '<Detector ID="Detector:1"/><Objective ')
    xml = xml.replace(second, first)
    ome = ome_types.from_xml(written(xml, tmp_path / "a.ome.tif"))
    ids = [channel.id for image in ome.images for channel in image.pixels.channels]
    ids += [detector.id for instrument in ome.instruments for detector in instrument.detectors]
    ids += [annotation.id for annotation in ome.structured_annotations]
    assert len(set(ids)) == len(ids)
    assert f"{kind}:0" in ids
    assert read(tmp_path / "a.ome.tif").roles == {"nucleus": 0, "er": 1}


def test_a_header_for_other_channels(tmp_path):
    channels = tuple(Channel(name) for name in "xyz")
    pixels = np.zeros((3, 8, 9), np.uint8)
    path = write(replace(stack(SOUND), data=pixels, channels=channels), tmp_path / "a.ome.tif")
    with tifffile.TiffFile(path) as tif:
        ome = ome_types.from_xml(tif.ome_metadata)
    ids = [channel.id for channel in ome.images[0].pixels.channels]
    assert len(set(ids)) == 3


@pytest.mark.parametrize("name", ["a\0b", "\x1b[31m", "<b>&amp;", "é, 细=🔬", "\ud800", " ", ""])
def test_names_of_all_sorts_make_a_valid_header(tmp_path, name):
    named = replace(
        stack(SOUND), channels=(Channel(name, "nucleus"), Channel(name, "er")), name=name
    )
    whole = Imputation.of(
        named,
        np.zeros(named.shape, bool),
        np.zeros(named.shape, np.float32),
        (named.data, named.data),
        Provenance.unknown(),
    )
    with tifffile.TiffFile(write(whole, tmp_path / "a.ome.tif")) as tif:
        pytest.importorskip("lxml")
        ome = ome_types.from_xml(tif.ome_metadata, validate=True)
    assert len(ome.images) == 5
