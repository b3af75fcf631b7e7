"""Messages of public threads, word for word, with the cause where the thread tells it.

The idea: what the decoder puts first is compared with what somebody found out afterwards. Only
PyTorch's text stands here; who wrote where is retold in a few words. Not a test file.
"""

from typing import NamedTuple

OVERWRITTEN = "one of the variables needed for gradient computation has been modified by an inplace operation: "
GITHUB = "https://github.com/"


class Thread(NamedTuple):
    """where: its address. text: the message. cause: what it was, '' if the thread does not tell.

    truth: the suspect that this is, a name in `suspects.SUSPECTS`, or the kind of another message;
    '' if nobody knows. first: what the decoder is to put first; where it differs from the truth,
    the text cannot tell, and the truth stands further down.
    """

    where: str
    text: str
    cause: str
    truth: str
    first: str


def _said(where, tensor, cause, truth, first=None):
    return Thread(GITHUB + where, OVERWRITTEN + tensor, cause, truth, first or truth)


def _other(where, text, cause, kind):
    return Thread(GITHUB + where, text, cause, kind, kind)


THREADS = (
    # the operation's own result
    _said("hehao13/EBLNet/issues/9", "[torch.cuda.FloatTensor [4, 96, 256]], which is output 0 of ReluBackward0, is at version 1; expected version 0 instead. Hint: enable anomaly detection to find the operation that failed to compute its gradient, with torch.autograd.set_detect_anomaly(True).", "`z +=` behind the ReLU", "own result"),
    _said("facebookresearch/3detr/issues/55", "[torch.cuda.FloatTensor [256, 8, 256]], which is output 0 of ReluBackward0, is at version 1; expected version 0 instead. Hint: enable anomaly detection to find the operation that failed to compute its gradient, with torch.autograd.set_detect_anomaly(True).", "Dropout with inplace=True behind the ReLU", "own result"),
    _said("OpenFirework/pytorch_solov2/issues/22", "[torch.FloatTensor [1, 128, 192, 120]], which is output 0 of ReluBackward 0, is at version 3; expected version 0 instead. Hint: enable anomaly detection to find the operation that failed to compute its gradient, with torch.autograd.set_detect_anomaly(True).", "the levels are added with `+=` onto the first one's ReLU", "own result"),
    _said("bayesiains/nflows/issues/89", "[torch.cuda.FloatTensor [256, 71]], which is output 0 of ReluBackward0, is at version 1; expected version 0 instead.", "widths divided with `/=`", "own result"),
    _said("banctilrobitaille/torch-vectorized/issues/5", "[torch.cuda.DoubleTensor [10900, 3, 1, 1, 1]], which is output 0 of SqrtBackward, is at version 1; expected version 0 instead. Hint: enable anomaly detection to find the operation that failed to compute its gradient, with torch.autograd.set_detect_anomaly(True).", "", "", "own result"),
    _said("wutong16/DistributionBalancedLoss/issues/20", "[torch.FloatTensor [64, 109]], which is output 0 of SigmoidBackward0, is at version 1; expected version 0 instead. Hint: the backtrace further above shows the operation that failed to compute its gradient. The variable in question was changed in there or anywhere later. Good luck!", "", "", "own result"),
    _said("dingmyu/davit/issues/6", "[torch.cuda.HalfTensor [16, 512, 128, 128]], which is output 0 of ReluBackward0, is at version 1; expected version 0 instead. Hint: the backtrace further above shows the operation that failed to compute its gradient. The variable in question was changed in there or anywhere later. Good luck!", "", "", "own result"),
    # a weight, and a step between a forward and its backward
    _said("thuml/Anomaly-Transformer/issues/5", "[torch.cuda.FloatTensor [512, 55]], which is output 0 of TBackward, is at version 2; expected version 1 instead. Hint: enable anomaly detection to find the operation that failed to compute its gradient, with torch.autograd.set_detect_anomaly(True).", "two losses, sent backward one after the other; fine with torch 1.4, where a step moved no counter", "linear weight"),
    _said("lweitkamp/option-critic-pytorch/issues/5", "[torch.cuda.FloatTensor [32, 64]], which is output 0 of TBackward, is at version 2; expected version 1 instead. Hint: enable anomaly detection to find the operation that failed to compute its gradient, with torch.autograd.set_detect_anomaly(True).", "actor and critic share a network; fine with torch 1.4, where a step moved no counter", "linear weight"),
    _said("rungjoo/Stable-Style-Transformer/issues/9", "[torch.cuda.FloatTensor [256, 50259]], which is output 0 of AsStridedBackward0, is at version 2; expected version 1 instead. Hint: enable anomaly detection to find the operation that failed to compute its gradient, with torch.autograd.set_detect_anomaly(True).", "the layer over a vocabulary of 50259, in the generator's step", "linear weight"),
    Thread("https://e-com-net.com/article/1641037187019497472.htm", OVERWRITTEN + "[torch.FloatTensor [1, 1]], which is output 0 of AsStridedBackward0, is at version 3; expected version 2 instead. Hint: the backtrace further above shows the operation that failed to compute its gradient. The variable in question was changed in there or anywhere later. Good luck!", "the hidden state of an RNN is carried over a step", "linear weight", "linear weight"),
    _said("leftthomas/SRGAN/issues/89", "[torch.cuda.FloatTensor [1, 1024, 1, 1]] is at version 2; expected version 1 instead. Hint: enable anomaly detection to find the operation that failed to compute its gradient, with torch.autograd.set_detect_anomaly(True).", "the discriminator's step before the generator's backward", "parameter"),
    _said("mtics/deep-photo-enhancer/issues/9", "[torch.cuda.FloatTensor [3, 16, 5, 5]] is at version 3; expected version 2 instead.", "fine with torch 1.3, where a step moved no counter", "parameter"),
    _said("geekyutao/RN/issues/21", "[torch.cuda.FloatTensor [1, 512, 4, 4]] is at version 2; expected version 1 instead. Hint: enable anomaly detection to find the operation that failed to compute its gradient, with torch.autograd.set_detect_anomaly(True).", "the discriminator's loss is to be sent backward before its step", "parameter"),
    _said("cyclomon/3dbraingen/issues/16", "[torch.cuda.FloatTensor [1, 64, 3, 3, 3]] is at version 293; expected version 292 instead. Hint: enable anomaly detection to find the operation that failed to compute its gradient, with torch.autograd.set_detect_anomaly(True).", "a GAN's critics step before another loss's backward", "parameter"),
    _said("owenzlz/DiverseOutpaint/issues/2", "[torch.cuda.FloatTensor [512, 512, 4, 4]] is at version 2; expected version 1 instead.", "", "", "parameter"),
    _said("heykeetae/Self-Attention-GAN/issues/62", "[torch.cuda.FloatTensor [1]] is at version 1; expected version 0 instead. Hint: the backtrace further above shows the operation that failed to compute its gradient. The variable in question was changed in there or anywhere later. Good luck!", "gamma, a parameter of one number, in `self.gamma * out`", "parameter"),
    _said("lcy0604/EraseNet/issues/5", "[torch.cuda.FloatTensor [1, 512, 4, 4]], which is output 38 of BroadcastBackward, is at version 2; expected version 1 instead. Hint: enable anomaly detection to find the operation that failed to compute its gradient, with torch.autograd.set_detect_anomaly(True).", "fine with torch 1.3, where a step moved no counter", "DataParallel"),
    # buffers
    _said("pytorch/pytorch/issues/175024", "[torch.cuda.FloatTensor [768]] is at version 3; expected version 2 instead.", "DistributedDataParallel copies batch norm's buffers before each of two forwards", "norm"),
    _said("pytorch/pytorch/issues/65907", "[torch.cuda.FloatTensor [2]] is at version 6; expected version 5 instead.", "the same, in eval()", "norm"),
    Thread(GITHUB + "NVlabs/FUNIT/issues/53", OVERWRITTEN + "torch.cuda.FloatTensor [65]] is at version 3; expected version 2 instead. Hint: the backtrace further above shows the operation that failed to compute its gradient. The variable in question was changed in there or anywhere later. Good luck!", "the same; gone with track_running_stats=False", "norm", "norm"),
    _said("Lornatang/ESRGAN-PyTorch/issues/5", "[torch.cuda.FloatTensor [512]] is at version 3; expected version 2 instead.", "", "", "norm"),
    _said("pytorch/pytorch/issues/22095", "[torch.cuda.FloatTensor [1, 32]] is at version 3; expected version 2 instead.", "DistributedDataParallel copies a buffer before each of two forwards", "buffer", "parameter"),
    _said("hpcaitech/ColossalAI/issues/3515", "[torch.cuda.HalfTensor [1, 1, 512, 128]] is at version 3; expected version 2 instead.", "", "", "parameter"),
    # whole numbers
    _said("mlii0117/DCL/issues/21", "[torch.cuda.LongTensor [4, 90]] is at version 1; expected version 0 instead. Hint: the backtrace further above shows the operation that failed to compute its gradient. The variable in question was changed in there or anywhere later. Good luck!", "", "whole numbers"),
    _said("1KE-JI/HierVerb/issues/4", "[torch.LongTensor [4, 512]] is at version 2; expected version 0 instead. Hint: enable anomaly detection to find the operation that failed to compute its gradient, with torch.autograd.set_detect_anomaly(True).", "", "whole numbers"),
    # views and parts
    _said("kywind/self-corr-pose/issues/5", "[torch.cuda.FloatTensor [32, 995, 3]], which is output 0 of AsStridedBackward0, is at version 1; expected version 0 instead. Hint: enable anomaly detection to find the operation that failed to compute its gradient, with torch.autograd.set_detect_anomaly(True).", "`shape_delta -= …` on a view", "slice"),
    _said("jasonppy/word-discovery/pull/4", "[torch.cuda.FloatTensor [BS, 768, 399]], which is output 0 of AsStridedBackward0, is at version 1; expected version 0 instead. Hint: enable anomaly detection to find the operation that failed to compute its gradient, with torch.autograd.set_detect_anomaly(True).", "", "", "slice"),
    _said("ando-khachatryan/HiDDeN/issues/23", "[torch.cuda.FloatTensor [1, 1, 256, 256]], which is output 0 of UnsqueezeBackward1, is at version 3; expected version 2 instead. Hint: enable anomaly detection to find the operation that failed to compute its gradient, with torch.autograd.set_detect_anomaly(True).", "channels are read and written one after the other in one tensor", "slice"),
    _said("fiveai/making-better-mistakes/issues/4", "[torch.cuda.FloatTensor [256, 12]], which is output 0 of SqueezeBackward0, is at version 1; expected version 0 instead. Hint: enable anomaly detection to find the operation that failed to compute its gradient, with torch.autograd.set_detect_anomaly(True).", "`num[idx] = -torch.log(num[idx] / …)`", "slice"),
    _said("luoyuanlab/Clinical-Longformer/issues/6", "[torch.cuda.HalfTensor [12, 1024, 1]], which is output 0 of ViewBackward, is at version 1; expected version 0 instead. Hint: enable anomaly detection to find the operation that failed to compute its gradient, with torch.autograd.set_detect_anomaly(True).", "", "", "slice"),
    Thread(GITHUB + "Zijing5/PyTorch_AboutSomeDetails", OVERWRITTEN + "[torch.FloatTensor [1]], which is output 0 of struct torch::autograd::CopySlices, is at version 2; expected version 1 instead. Hint: enable anomaly detection to find the operation that failed to compute its gradient, with torch.autograd.set_detect_anomaly(True).", "`d[:] = 4` after a matmul had saved d", "parts", "parts"),
    # torch 1.9 and older name the maker
    _said("cavalleria/cavaface/issues/10", "[torch.cuda.FloatTensor [2, 5]], which is output 0 of ClampBackward, is at version 2; expected version 0 instead. Hint: enable anomaly detection to find the operation that failed to compute its gradient, with torch.autograd.set_detect_anomaly(True)", "clamped cosines are read by index, then written by index", "maker"),
    _said("cavalleria/cavaface/issues/64", "[torch.cuda.HalfTensor [128, 10572]], which is output 0 of ClampBackward, is at version 1; expected version 0 instead. Hint: enable anomaly detection to find the operation that failed to compute its gradient, with torch.autograd.set_detect_anomaly(True).", "", "", "maker"),
    _said("amirhfarzaneh/lsoftmax-pytorch/issues/4", "[torch.cuda.FloatTensor [256, 10]], which is output 0 of MmBackward, is at version 1; expected version 0 instead. Hint: enable anomaly detection to find the operation that failed to compute its gradient, with torch.autograd.set_detect_anomaly(True).", "", "", "maker"),
    _said("tanluren/yolov3-channel-and-layer-pruning/issues/66", "[torch.cuda.FloatTensor [8, 1024, 13, 13]], which is output 0 of CudnnBatchNormBackward, is at version 1; expected version 0 instead. Hint: enable anomaly detection to find the operation that failed to compute its gradient, with torch.autograd.set_detect_anomaly(True).", "", "", "maker"),
    _said("pytorch/pytorch/issues/24853", "[torch.FloatTensor [3]], which is output 0 of AddBackward0, is at version 1; expected version 0 instead.", "torch 1.2: `bb = b + 1`, then `bb[mask] = torch.min(bb[mask], …)`", "maker", "writer"),
    _said("JDAI-CV/LIO/issues/9", "[torch.cuda.FloatTensor [10, 49]], which is output 0 of SubBackward0, is at version 1; expected version 0 instead. Hint: enable anomaly detection to find the operation that failed to compute its gradient, with torch.autograd.set_detect_anomaly(True).", "", "", "writer"),
    # Functions of one's own
    _said("XiaLiPKU/CARAFE/issues/1", "[torch.cuda.FloatTensor [10, 64, 32, 32]], which is output 0 of InPlaceABNSyncBackward, is at version 3; expected version 2 instead. Hint: enable anomaly detection to find the operation that failed to compute its gradient, with torch.autograd.set_detect_anomaly(True).", "", "", "custom Function"),
    # other sentences
    _other("riannevdberg/sylvester-flows/issues/1", "RuntimeError: one of the variables needed for gradient computation has been modified by an inplace operation", "torch 1.0; the loss function", "no tensor named"),
    _other("MisaOgura/flashtorch/issues/45", "RuntimeError: Output 0 of UnbindBackward0 is a view and is being modified inplace. This view is the output of a function that returns multiple views. Such functions do not allow the output views to be modified inplace. You should replace the inplace operation by an out-of-place one.", "", "one of several views"),
    _other("duxiaodan/intrinsic-lora/issues/1", "RuntimeError: Output 0 of ViewBackward0 is a view and its base or another view of its base has been modified inplace. This view is the output of a function that returns multiple views. Such functions do not allow the output views to be modified inplace. You should replace the inplace operation by an out-of-place one.", "", "one of several views"),
    _other("linjieli222/VQA_ReGAT/issues/39", "RuntimeError: unsupported operation: more than one element of the written-to tensor refers to a single memory location. Please clone() the tensor before performing the operation.", "a tensor that `expand` made; `clone()` cured it", "elements share a place"),
    _other("ndif-team/nnsight/pull/126", "RuntimeError: a view of a leaf Variable that requires grad is being used in an in-place operation.", "", "view of a leaf"),
    _other("keras-team/keras-core/pull/405", "RuntimeError: a leaf Variable that requires grad is being used in an in-place operation.", "`slice_update` wrote its input", "leaf"),
    Thread("https://iifx.dev/ja/articles/365134516", "RuntimeError: leaf variable has been moved into the graph interior", "", "leaf moved", "leaf moved"),
    Thread("https://discuss.pytorch.org/t/leaf-variable-was-used-in-an-inplace-operation/308", "RuntimeError: leaf variable was used in an inplace operation.", "a leaf written while recorded", "leaf", "leaf"),
    _other("MashiMaroLjc/YOLO/issues/1", "MXNetError: Check failed: AGInfo::IsNone(*output) Inplace operations (+=, -=, x[:]=, etc) are not supported when recording with autograd.", "MXNet", "MXNet"),
    _other("weizheliu/People-Flows/issues/7", "RuntimeError: element 0 of tensors does not require grad and does not have a grad_fn", "nothing required a gradient", "without a history"),
)  # fmt: skip

#: The sources' own lines: (which, the text as it stands there, what the decoder is to put first).
SOURCES = (
    ("000", "Error: `RuntimeError: one of the variables needed for gradient computation has been modified by an inplace operation`", "no tensor named"),
    ("001", "Jeśli nadpiszesz tensor, który był potrzebny do `backward()`, PyTorch wykryje to i rzuci słynnym błędem:\n`RuntimeError: one of the variables needed for gradient computation has been modified by an inplace operation`.", "no tensor named"),
    ("002", 'The error message may look something like: "RuntimeError: one of the variables needed for gradient computation has been modified by an inplace operation".', "no tensor named"),
    ("003", """- `one of the variables needed for gradient computation has been modified by an inplace operation`

    File "/home/lgh/miniconda3/envs/mmlab/lib/python3.8/site-packages/torch/tensor.py", line 245, in backward
        torch.autograd.backward(self, gradient, retain_graph, create_graph, inputs=inputs)
    File "/home/lgh/miniconda3/envs/mmlab/lib/python3.8/site-packages/torch/autograd/__init__.py", line 145, in backward
        Variable._execution_engine.run_backward(
    RuntimeError: one of the variables needed for gradient computation has been modified by an inplace operation: [torch.cuda.FloatTensor [2, 2048, 25, 25]], which is output 0 of ReluBackward1, is at version 2; expected version 1 instead. Hint: enable anomaly detection to find the operation that failed to compute its gradient, with torch.autograd.set_detect_anomaly(True).""", "own result"),
    ("004", """RuntimeError: one of the variables needed for gradient computation has been
modified by an inplace operation: [torch.cuda.FloatTensor [N, 1024]], which is
output 0 of ReluBackward0, is at version 1; expected version 0 instead.""", "own result"),
)  # fmt: skip
