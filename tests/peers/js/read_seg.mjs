// What OHIF would show of a DICOM SEG:
//   node read_seg.mjs SEG.dcm FOLDER_OF_SLICES LABELS.raw
// LABELS.raw gets one byte a voxel, slice by slice along the normal; segments and complaints are printed as JSON.
import { complaints } from "./complaints.mjs";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import dcmjs from "dcmjs";
import { metaData } from "@cornerstonejs/core";
import { adaptersSEG } from "@cornerstonejs/adapters";

const { DicomMessage, DicomMetaDictionary } = dcmjs.data;
const [segPath, folder, labelsPath] = process.argv.slice(2);

const slices = readSlices(folder);
const provider = { get: (module, imageId) => describe(module, slices.get(imageId)) };
metaData.addProvider(provider.get, 100); // The adapters ask the provider they are given, cornerstone's core its own list.

const seen = await adaptersSEG.Cornerstone3D.Segmentation.createFromDICOMSegBuffer([...slices.keys()], bytes(segPath), {
  metadataProvider: provider,
});
if (seen.labelMapImages.length !== 1) {
  complaints.push(`the segments overlap: ${seen.labelMapImages.length} label maps`);
}
const planes = seen.labelMapImages[0].map((image) => Buffer.from(image.voxelManager.getScalarData()));
writeFileSync(labelsPath, Buffer.concat(planes));
const segments = seen.segMetadata.data
  .filter((segment) => segment?.SegmentNumber)
  .map((segment) => ({ number: Number(segment.SegmentNumber), label: segment.SegmentLabel }));
console.log(JSON.stringify({ segments, slices: planes.length, complaints }));

function bytes(path) {
  const file = readFileSync(path);
  return file.buffer.slice(file.byteOffset, file.byteOffset + file.length);
}

function readSlices(folder) {
  const found = readdirSync(folder).map((name) => {
    const { dict } = DicomMessage.readFile(bytes(join(folder, name)));
    return DicomMetaDictionary.naturalizeDataset(dict);
  });
  const [a, b, c, d, e, f] = found[0].ImageOrientationPatient.map(Number);
  const normal = [b * f - c * e, c * d - a * f, a * e - b * d];
  const height = (slice) => slice.ImagePositionPatient.reduce((sum, value, axis) => sum + value * normal[axis], 0);
  found.sort((one, other) => height(one) - height(other));
  return new Map(found.map((slice, k) => [`slice:${k}`, slice]));
}

// The modules that a viewer's metadata provider derives from a slice's header.
function describe(module, slice) {
  if (slice === undefined) return undefined;
  const cosines = slice.ImageOrientationPatient.map(Number);
  const [rowPixelSpacing, columnPixelSpacing] = slice.PixelSpacing.map(Number);
  return {
    instance: slice,
    generalImageModule: { sopInstanceUID: slice.SOPInstanceUID },
    generalSeriesModule: { seriesInstanceUID: slice.SeriesInstanceUID, modality: slice.Modality },
    imagePixelModule: { bitsAllocated: 16, bitsStored: 16, highBit: 15, samplesPerPixel: 1, pixelRepresentation: 0 },
    imagePlaneModule: {
      rows: slice.Rows,
      columns: slice.Columns,
      rowPixelSpacing,
      columnPixelSpacing,
      pixelSpacing: [rowPixelSpacing, columnPixelSpacing],
      rowCosines: cosines.slice(0, 3),
      columnCosines: cosines.slice(3),
      imageOrientationPatient: cosines,
      imagePositionPatient: slice.ImagePositionPatient.map(Number),
      frameOfReferenceUID: slice.FrameOfReferenceUID,
    },
  }[module];
}
