// Empty on purpose: this unit only owns the precompiled header of the rooms that use Torch.
