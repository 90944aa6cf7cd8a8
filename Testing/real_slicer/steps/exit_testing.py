"""Slicer ends with 0 with --testing, after the module was opened and used by a script."""

import slicer

SLICER_ARGUMENTS = ("--testing",)


def run(step):
    slicer.util.selectModule("IGTLMetaBrowser")
    from IGTLMetaBrowser import IGTLMetaBrowserLogic

    logic = IGTLMetaBrowserLogic()
    logic.connectToServer(*logic.startDemo())
    node = logic.loadImage("DEMO_MR")
    step.check(node.GetImageData().GetNumberOfPoints() > 0, "the image has no voxels")
    step.check(len(logic.loadTrajectories()) == 7, "there are not 7 trajectories")
    logic.close()
